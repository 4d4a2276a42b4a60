/** This process at the other end of a victim, by the public API: what it got, and how it heard of the end. */
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import {
  Consumer,
  type Message,
  PeerClosedError,
  Producer,
  RpcClient,
  RpcResponder,
  ZerocrossError,
} from "../../src/index.ts";
import { answerTo, messageAt, sizeAt } from "../../tests/peer/content.ts";
import { callsInFlight, capacity, manyType, type Order, sizeMax } from "./order.ts";

/** Longer than any stop lasts. */
const patience = { timeout: 10_000 };

export interface Outcome {
  /** Messages of the victim that were delivered. */
  readonly received: number;
  /** What ended it; undefined when the victim closed and there was nothing more to say. */
  readonly error: unknown;
  /** When it heard, in milliseconds of Date.now(). */
  readonly heardAt: number;
  /** False: there never was a channel. */
  readonly met: boolean;
}

/** A round as it goes on. */
interface Play {
  readonly order: Order;
  /** Picks how this side waits; even numbers do so without blocking. */
  readonly style: number;
  /** Aborted some time after the victim's end. */
  readonly gone: AbortSignal;
  received: number;
  met: boolean;
}

type Meeting<End> = {
  listen(path: string, options: object): Promise<End>;
  connect(path: string, options: object): Promise<End>;
};

/** Plays a round until the victim's end, of whatever kind. */
export async function survive(order: Order, style: number, gone: AbortSignal): Promise<Outcome> {
  const play: Play = { order, style, gone, received: 0, met: false };
  let error: unknown;
  try {
    await plays[order.role](play);
  } catch (caught) {
    error = caught;
  }
  return { received: play.received, error, heardAt: Date.now(), met: play.met };
}

const plays: Record<Order["role"], (play: Play) => Promise<void>> = {
  producer: consume,
  consumer: produce,
  caller: respond,
  responder: call,
};

/** Without blocking: the victim may still have to be told to begin, and may be gone before it comes. */
async function meet<End>(ends: Meeting<End>, play: Play): Promise<End> {
  const { order, style, gone } = play;
  // A side that never sleeps cannot be waited for off its thread.
  const spin = style % 3 === 0 ? 0 : style % 2 === 1 && style % 3 === 1 ? Infinity : 50;
  const options = { ...patience, signal: gone, wait: { spin } };
  const end = order.listens
    ? await ends.connect(order.path, options)
    : await ends.listen(order.path, { ...options, capacity });
  play.met = true;
  return end;
}

function messageOf({ seed }: Order, index: number): Uint8Array {
  return messageAt(seed, index, sizeAt(seed, index, 0, sizeMax));
}

async function consume(play: Play): Promise<void> {
  using consumer = await meet<Consumer>(Consumer, play);
  const receive = receives[play.style % receives.length] as Receive;
  try {
    while (true) {
      const messages = await receive(consumer);
      if (messages === null) return;
      for (const message of messages) check(play.order, play.received++, message);
    }
  } catch (error) {
    assertSaysAgain(error, () => consumer.tryReceive());
    throw error;
  }
}

type Receive = (consumer: Consumer) => Promise<Message[] | null> | Message[] | null;

/** Each answers what it got, or null once the producer has closed. */
const receives: Receive[] = [
  async (consumer) => one(await consumer.receive(patience)),
  (consumer) => one(consumer.receiveSync(patience)),
  async (consumer) => copies(await consumer.drain(5, patience)),
  (consumer) => copies(consumer.drainSync(5, patience)),
  async (consumer) => {
    const message = consumer.tryReceive();
    if (message !== undefined) return one(message);
    await turn();
    return [];
  },
  (consumer) => one(consumer.receiveSync(patience)),
];

function one(message: Message | null): Message[] | null {
  return message && [message];
}

function copies(batch: Awaited<ReturnType<Consumer["drain"]>>): Message[] | null {
  if (batch === null) return null;
  using open = batch;
  return Array.from(open, ({ bytes, typeId }) => ({ bytes: bytes.slice(), typeId }));
}

function check(order: Order, index: number, { bytes, typeId }: Message): void {
  assert.equal(Buffer.compare(bytes, messageOf(order, index)), 0, `message ${index} is not whole`);
  assert.ok(typeId === index || typeId === manyType, `message ${index} has the type ${typeId}`);
}

/** Calls after the end say the same. */
function assertSaysAgain(error: unknown, call: () => unknown): void {
  if (!(error instanceof ZerocrossError)) return;
  for (let round = 0; round < 3; round++) assert.throws(call, { code: error.code });
}

async function produce(play: Play): Promise<void> {
  using producer = await meet<Producer>(Producer, play);
  const send = sends[play.style % sends.length] as Send;
  try {
    for (let index = 0; ; index++) await send(producer, messageOf(play.order, index), index);
  } catch (error) {
    assertSaysAgain(error, () => producer.trySend(new Uint8Array(1)));
    // That is how a consumer ends.
    if (!(error instanceof PeerClosedError)) throw error;
  }
}

type Send = (producer: Producer, bytes: Uint8Array, typeId: number) => unknown;

const sends: Send[] = [
  (producer, bytes, typeId) => producer.send(bytes, typeId, patience),
  (producer, bytes, typeId) => producer.sendSync(bytes, typeId, patience),
  async (producer, bytes, typeId) => {
    const slot = await producer.claim(bytes.length, patience);
    slot.bytes.set(bytes);
    slot.commit(bytes.length, typeId);
  },
  async (producer, bytes, typeId) => {
    while (!producer.trySend(bytes, typeId)) await turn();
  },
];

async function respond(play: Play): Promise<void> {
  using responder = await meet<RpcResponder>(RpcResponder, play);
  const seen = new Set<number>();
  responder.serveSync(({ bytes, typeId }) => {
    // What a handler throws becomes the caller's, who may be dead; so what is wrong is not counted.
    const isWhole = Buffer.compare(bytes, messageOf(play.order, typeId)) === 0;
    if (isWhole && !seen.has(typeId)) play.received += 1;
    seen.add(typeId);
    return answerTo(bytes);
  });
}

async function call(play: Play): Promise<void> {
  const { order, style } = play;
  const isAsync = style % 2 === 0;
  using client = await meet<RpcClient>(RpcClient, play);
  let asked = 0;
  const askOn = async (): Promise<void> => {
    while (asked < order.count) {
      const index = asked++;
      const request = messageOf(order, index);
      const options = { typeId: index, ...patience };
      const reply = isAsync
        ? await client.call(request, options)
        : client.callSync(request, options);
      assert.ok(
        Buffer.compare(reply.bytes, answerTo(request)) === 0,
        `reply ${index} is not whole`,
      );
      play.received += 1;
    }
  };
  const asking = Array.from({ length: isAsync ? callsInFlight : 1 }, askOn);
  const ends = await Promise.allSettled(asking);
  const errors = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  if (errors.length === 0) return;
  for (const error of errors) assert.equal(error.code, errors[0].code, `ends differ: ${error}`);
  assertSaysAgain(errors[0], () => client.callSync(new Uint8Array(1), patience));
  throw errors[0];
}
