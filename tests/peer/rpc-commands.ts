/** The commands of the peer in RPC: `call`, `answer`, and what lies there. */
import { Arena } from "./arena.ts";
import {
  capacity,
  deadline,
  finish,
  messageNumber,
  options,
  path,
  print,
  seed,
  typeId,
} from "./command-line.ts";
import type { Received } from "./consumer.ts";
import { answerTo, checksum, checksumStart, failureOf } from "./content.ts";
import { sleep } from "./libc.ts";
import type { Producer } from "./producer.ts";
import { connectRpc, listenOnce } from "./rendezvous.ts";
import { Callee, Caller, type RpcEnd } from "./rpc.ts";
import {
  type RpcHandshakeLie,
  rpcHandshakeLies,
  tellRpcHandshakeLie,
} from "./rpc-handshake-lies.ts";
import {
  answerWithTail,
  type CalleeLie,
  type CallerLie,
  calleeLies,
  calleeStalls,
  callerLies,
  callerStalls,
  callWithTail,
  lawfulReplies,
  lawfulRequests,
  type TailLie,
  tailLies,
} from "./rpc-lies.ts";

const capacityRev = Number(options["capacity-rev"] ?? capacity);
const inflight = Number(options.inflight);
const left = Number(options.left);
const backlog = Number(options.backlog);
const delay = Number(options.delay);
const good = Number(options.good);

const rpcOptions = {
  ours: options.ours,
  lane: options.lane,
  parks: options.park,
  publishEvery: Number(options.every),
};

/** Meets the other side. This side's end stands in the arenas before a connector can look at them. */
function meet<End>(standUp: (forward: Arena, reverse: Arena) => End) {
  if (!options.listen) {
    const { arenas, peer } = connectRpc(path(), deadline);
    return { end: standUp(...arenas), peer: peer.pid };
  }
  const start = BigInt(options.start);
  const arenas = [Arena.create(capacity, { start }), Arena.create(capacityRev, { start })] as const;
  const end = standUp(...arenas);
  return { end, peer: listenOnce(path(), { arenas }, deadline).pid };
}

const meetAsCaller = () => meet((forward, reverse) => new Caller(forward, reverse, rpcOptions));
const meetAsCallee = () => meet((forward, reverse) => new Callee(forward, reverse, rpcOptions));

// Calling

/**
 * Calls with the messages of the seed, and checks each reply; those to the last `unread` calls are
 * not waited for. The checksum is that of the requests, which are in order on both sides.
 */
class Calls {
  readonly #caller: Caller;
  readonly #tally = { count: 0, bytes: 0, checksum: checksumStart, lane: 0, failures: 0 };
  #sent = 0;
  #failure: string | undefined;
  #closed = false;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  run(count: number, unread: number): void {
    // As many as shall be left must be in flight when the last reply has come.
    const most = Math.max(inflight, unread + 1);
    while (this.#tally.count < count - unread) {
      const mayCall = this.#sent < count && this.#caller.outstanding < most;
      if (mayCall && this.#call()) continue;
      const reply = this.#caller.reply(deadline);
      if (reply === null) {
        this.#closed = true;
        return;
      }
      this.#check(reply);
    }
  }

  get report() {
    const { overtaking } = this.#caller;
    const lastId = Number(this.#caller.lastId);
    const failure = this.#failure === undefined ? {} : { failure: this.#failure };
    return { ...this.#tally, ...failure, closed: this.#closed, overtaking, lastId };
  }

  #call(): boolean {
    const request = messageNumber(this.#sent);
    const isSent =
      this.#caller.outstanding === 0
        ? this.#caller.call(request, typeId, deadline)
        : this.#caller.tryCall(request, typeId);
    if (!isSent) return false;
    this.#sent++;
    this.#tally.bytes += request.length;
    this.#tally.checksum = checksum(this.#tally.checksum, request);
    return true;
  }

  #check(reply: Received): void {
    const { correlationId, bytes, via } = reply;
    this.#tally.count++;
    if (via === "lane") this.#tally.lane++;
    if (this.#caller.isFailure(reply)) {
      this.#tally.failures++;
      this.#failure ??= new TextDecoder().decode(bytes);
      return;
    }
    const expected = answerTo(messageNumber(Number(correlationId) - 1));
    if (Buffer.compare(bytes, expected) === 0) return;
    const found = `${bytes.length} bytes where ${expected.length} were expected`;
    throw new Error(`the reply to ${correlationId} is not what seed ${seed} makes it: ${found}`);
  }
}

export function call(): void {
  const { end: caller, peer } = meetAsCaller();
  const calls = new Calls(caller);
  calls.run(Number(options.count ?? 0), left);
  caller.producer.publish();
  finish(caller, { ...calls.report, peer });
}

// Answering

/** Answers requests until there were `limit` of them or the caller closes. */
function answerAll(callee: Callee, limit: number) {
  const tally = { count: 0, bytes: 0, checksum: checksumStart, lane: 0, failures: 0 };
  const report = (closed: boolean) => ({ ...tally, closed, lastId: Number(callee.lastId) });
  while (tally.count < limit) {
    const requests = takeRequests(callee, Math.min(backlog, limit - tally.count));
    if (requests.length === 0) return report(true);
    for (const { bytes, via } of requests) {
      tally.bytes += bytes.length;
      tally.checksum = checksum(tally.checksum, bytes);
      if (via === "lane") tally.lane++;
    }
    for (const request of requests.reverse()) {
      if (delay > 0) sleep(delay);
      const fails = mustFail(request);
      if (!reply(callee, request, fails)) return report(true);
      tally.count++;
      if (fails) tally.failures++;
    }
  }
  callee.producer.publish();
  return report(false);
}

/** One request, and then as many more as are there without waiting; none: the caller closed. */
function takeRequests(callee: Callee, most: number): Received[] {
  const requests: Received[] = [];
  let next = callee.request(deadline) ?? undefined;
  while (next !== undefined) {
    requests.push(next);
    next = requests.length < most ? callee.tryRequest() : undefined;
  }
  return requests;
}

function mustFail({ correlationId }: Received): boolean {
  const every = options["fail-every"];
  return every !== undefined && correlationId % BigInt(every) === 0n;
}

function reply(callee: Callee, request: Received, fails: boolean): boolean {
  const { correlationId: id, bytes } = request;
  return fails
    ? callee.fail(id, failureOf(id), deadline)
    : callee.answer(id, answerTo(bytes), typeId, deadline);
}

export function answer(): void {
  const { end: callee, peer } = meetAsCallee();
  const report = answerAll(callee, Number(options.count ?? Infinity));
  for (let i = 0; i < left && !report.closed; i++) callee.request(deadline);
  finish(callee, { ...report, lastId: Number(callee.lastId), peer });
}

// Lying

function isAtRingStart({ arena, position }: Producer): boolean {
  return arena.ringOffset(position) === 0;
}

/** Good calls until the forward ring is empty again and its next record is not at its start. */
function callWell(caller: Caller): Calls {
  const calls = new Calls(caller);
  for (let count = good; ; count++) {
    calls.run(count, 0);
    if (calls.report.closed || !isAtRingStart(caller.producer)) break;
  }
  caller.producer.drain(deadline);
  return calls;
}

/** Goes on living, since a side that notices a death may not have noticed the lie. */
function stayUntilFound(end: RpcEnd): void {
  while (!end.isOver && deadline.remainingMs > 0) sleep(1);
}

function lieAsCaller(lie: CallerLie): void {
  const { end: caller, peer } = meetAsCaller();
  const calls = callWell(caller);
  lie(caller, deadline);
  stayUntilFound(caller);
  print({ ...calls.report, peer, state: caller.state });
}

/** The request is answered like any other, and so are calls after it. */
function callUnusually(request: CallerLie): void {
  const { end: caller, peer } = meetAsCaller();
  const calls = callWell(caller);
  request(caller, deadline);
  const closed = caller.reply(deadline) === null;
  finish(caller, { ...calls.report, closed, peer });
}

/** Answers, and goes on until the next record of the reverse ring is not at its start. */
function answerWell(callee: Callee) {
  let tally = answerAll(callee, good);
  while (!tally.closed && isAtRingStart(callee.producer)) {
    const { count } = tally;
    tally = { ...answerAll(callee, 1), count: count + 1 };
  }
  return tally;
}

function lieAsCallee(lie: CalleeLie): void {
  const { end: callee, peer } = meetAsCallee();
  const { count } = answerWell(callee);
  lie(callee, deadline);
  stayUntilFound(callee);
  print({ count, lastId: Number(callee.lastId), peer, state: callee.state });
}

/** Everything after the unusual reply is answered like any other, until the caller closes. */
function answerUnusually(lie: CalleeLie): void {
  const { end: callee, peer } = meetAsCallee();
  answerWell(callee);
  lie(callee, deadline);
  const { closed } = answerAll(callee, Infinity);
  finish(callee, { closed, lastId: Number(callee.lastId), peer });
}

function lieAtHandshake(lie: RpcHandshakeLie): void {
  tellRpcHandshakeLie(path(), lie, { capacity, capacityRev }, deadline);
  print({});
}

/** What tells the lie of this name, where `--as` or its kind says that it is one in RPC. */
export function findRpcLie(what: string): (() => void) | undefined {
  const find = <Lie>(lies: Record<string, Lie>): Lie | undefined => lies[what];
  const atHandshake = find<RpcHandshakeLie>(rpcHandshakeLies);
  if (atHandshake) return () => lieAtHandshake(atHandshake);
  const tail = find<TailLie>(tailLies);
  if (options.as === "caller") {
    const lie = tail ? callWithTail(tail) : find<CallerLie>({ ...callerLies, ...callerStalls });
    const unusual = find<CallerLie>(lawfulRequests);
    if (lie) return () => lieAsCaller(lie);
    if (unusual) return () => callUnusually(unusual);
  }
  if (options.as === "callee") {
    const lie = tail ? answerWithTail(tail) : find<CalleeLie>({ ...calleeLies, ...calleeStalls });
    const unusual = find<CalleeLie>(lawfulReplies);
    if (lie) return () => lieAsCallee(lie);
    if (unusual) return () => answerUnusually(unusual);
  }
  return undefined;
}
