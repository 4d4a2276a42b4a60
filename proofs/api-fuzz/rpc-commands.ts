import assert from "node:assert/strict";
import { RpcClient, type Server, serve } from "../../src/index.ts";
import { answer, expectedReply } from "./answers.ts";
import type { CommandKinds } from "./command.ts";
import { judgeBytes, judgeTypeId, judgeWaiting, type Reasons, trueBytes, worst } from "./judge.ts";
import { meetingMax } from "./opening-commands.ts";
import { orderPartner } from "./partner-thread.ts";
import { any, type Value } from "./values.ts";
import { bounded } from "./waiting.ts";
import { succeeded, type World } from "./world.ts";

/** A client, and who answers it. */
export interface Rpc {
  readonly client: RpcClient;
  /** `undefined`: a thread of its own answers, with `serveSync`. */
  readonly server: Server | undefined;
  readonly sizeMax: number;
  isClosed: boolean;
  isStopped: boolean;
}

const rpcsMax = 2;
/** Bytes; a partner listens and connects with the default. */
const defaultCapacity = 2 ** 20;

async function open(world: World, pick: number): Promise<void> {
  if (world.rpcs.length === rpcsMax) return;
  // The partner answers one client, and then the next.
  const isFree = world.rpcs.every(({ server, isClosed }) => server !== undefined || isClosed);
  const meet = isFree && pick % 3 === 0 ? meetPartner : meetServer;
  const rpc = await meet(world, pick);
  world.rpcs.push(rpc);
  world.others.push({ close: () => end(world, rpc) });
}

async function meetServer(world: World, pick: number): Promise<Rpc> {
  const capacity = pick % 2 === 0 ? 4096 : 65536;
  const path = world.newName();
  world.count("serve");
  world.count("RpcClient.connect");
  const server = await serve({ path, capacity, handler: answer });
  const client = await RpcClient.connect(path, { timeout: meetingMax });
  return { client, server, sizeMax: capacity / 2 - 64, isClosed: false, isStopped: false };
}

async function meetPartner(world: World, pick: number): Promise<Rpc> {
  const path = world.newName();
  const [how, otherwise] =
    pick % 2 === 0
      ? (["listenSync", "connectSync"] as const)
      : (["connectSync", "listenSync"] as const);
  await orderPartner({ how: otherwise, path });
  world.count(`RpcClient.${how}`);
  world.count("RpcResponder.serveSync");
  const client = RpcClient[how](path, { timeout: meetingMax });
  const sizeMax = defaultCapacity / 2 - 64;
  return { client, server: undefined, sizeMax, isClosed: false, isStopped: false };
}

async function end(world: World, rpc: Rpc): Promise<void> {
  rpc.client.close();
  rpc.isClosed = true;
  if (rpc.server !== undefined) await stop(world, rpc, rpc.server);
}

async function stop(world: World, rpc: Rpc, server: Server): Promise<void> {
  rpc.isStopped = true;
  await world.start(
    "server.stop",
    "receiving",
    () => server.stop(),
    (outcome) => {
      succeeded(outcome, "server.stop", {});
      assert.equal(server.connections, 0, "connections of a server that has stopped");
    },
  );
}

interface Calling {
  readonly rpc: Rpc;
  readonly bytes: Uint8Array;
  readonly options: object;
  readonly isWrong: boolean;
  reasons(): Reasons;
  check(reply: { bytes: Uint8Array }): void;
}

function makeCall(world: World, pick: number, args: Value[], waits: Value): Calling | undefined {
  const rpc = world.rpcs[pick % world.rpcs.length];
  if (rpc === undefined) return undefined;
  const [bytes, typeId] = [world.make(args[0]), world.make(args[1])];
  const interfere = () => {
    rpc.client.close();
    rpc.isClosed = true;
  };
  const waiting = world.make(waits, interfere);
  const isObject = typeof waiting === "object" && waiting !== null && waits.is === "waiting";
  const options = isObject ? Object.create(waiting, { typeId: { value: typeId } }) : waiting;
  const judged = judgeBytes(bytes, rpc.sizeMax);
  const copy = judged === "wrong" ? new Uint8Array() : trueBytes(bytes as Uint8Array);
  const typeIdJudged = isObject ? judgeTypeId(typeId, 0xfffffffd) : "right";
  const judgement = worst(judged, typeIdJudged, judgeWaiting(waits, "checked"));
  const asked = { bytes: copy, typeId: isObject ? ((typeId as number | undefined) ?? 0) : 0 };
  const expected =
    judgement === "wrong" ? undefined : expectedReply(asked, rpc.server !== undefined);
  return {
    rpc,
    bytes: bytes as Uint8Array,
    options,
    isWrong: judgement === "wrong" || rpc.isClosed,
    reasons: () => ({
      args: judgement,
      closed: rpc.isClosed,
      peerClosed: rpc.isStopped,
      timeout: true,
      abort: true,
      handlerThrew: expected === undefined,
    }),
    check(reply) {
      assert.ok(expected, "a reply where the handler threw");
      if (args[0]?.is === "kept") return;
      assert.equal(Buffer.compare(reply.bytes, expected), 0, "the bytes of a reply");
    },
  };
}

export const rpcCommands: CommandKinds = {
  openRpc: { weight: 2, args: [], run: open },
  call: {
    weight: 25,
    args: [any.bytes, any.typeId, any.waiting],
    async run(world, pick, args) {
      const calling = makeCall(world, pick, args, args[2] as Value);
      if (calling === undefined) return;
      const { rpc, bytes, options, isWrong } = calling;
      await world.start(
        "call",
        "receiving",
        () => rpc.client.call(bytes, options),
        (outcome) => {
          if (succeeded(outcome, "call", calling.reasons(), isWrong)) calling.check(outcome.result);
        },
      );
    },
  },
  callSync: {
    weight: 12,
    args: [any.bytes, any.typeId, any.waiting],
    run(world, pick, args) {
      // A server on this very event loop cannot answer meanwhile.
      const isBlocked = world.rpcs[pick % world.rpcs.length]?.server !== undefined;
      const waits = bounded(args[2], isBlocked) as Value;
      const calling = makeCall(world, pick, args, waits);
      if (calling === undefined) return;
      const { rpc, bytes, options, isWrong } = calling;
      const outcome = world.attempt("callSync", () => rpc.client.callSync(bytes, options));
      if (succeeded(outcome, "callSync", calling.reasons(), isWrong)) calling.check(outcome.result);
    },
  },
  "rpc.close": {
    weight: 1,
    args: [],
    run(world, pick) {
      const rpc = world.rpcs[pick % world.rpcs.length];
      if (rpc === undefined) return;
      const close = () => (pick % 2 === 0 ? rpc.client.close() : rpc.client[Symbol.dispose]());
      succeeded(world.attempt("rpc.close", close), "rpc.close", {});
      rpc.isClosed = true;
    },
  },
  "server.stop": {
    weight: 1,
    args: [],
    async run(world, pick) {
      const rpc = world.rpcs[pick % world.rpcs.length];
      if (rpc?.server !== undefined) await stop(world, rpc, rpc.server);
    },
  },
};
