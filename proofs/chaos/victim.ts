/** A process that is killed or stopped: does what its order says until then, or until its end. */
import { openSync, writeSync } from "node:fs";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { Consumer, Producer, RpcClient, RpcResponder } from "../../src/index.ts";
import { answerTo, messageAt, sizeAt } from "../../tests/peer/content.ts";
import { awaitWord, pause, print, programArguments } from "../../tests/support/child.ts";
import { arm, markedPackage } from "./marks.ts";
import { callsInFlight, capacity, manyType, type Order, sizeMax, stormSignal } from "./order.ts";

const order = programArguments<Order>();
const { path, seed, count } = order;
const zerocross = await markedPackage();
const timeout = 10_000;
const progress = openSync(order.progressFile, "r+");
const note = new Uint32Array(1);
const into = new Uint8Array(4096);

process.on(stormSignal, () => {});
print("ready");
awaitWord();
if (order.mark) await arm(order.mark);
await act();
process.exit(0);

function act(): Promise<void> {
  switch (order.role) {
    case "producer":
      return produce();
    case "consumer":
      return consume();
    case "caller":
      return call();
    case "responder":
      return respond();
  }
}

type Meeting<End> = {
  listen(path: string, options: object): Promise<End>;
  listenSync(path: string, options: object): End;
  connect(path: string, options: object): Promise<End>;
  connectSync(path: string, options: object): End;
};

/** A victim that waits in the kernel sleeps at once, so that it passes those steps too. */
async function meet<End>(ends: Meeting<End>): Promise<End> {
  const options = { timeout, wait: { spin: seed % 2 === 0 ? 0 : 50 } };
  if (order.listens) {
    const all = { ...options, capacity };
    return order.async ? await ends.listen(path, all) : ends.listenSync(path, all);
  }
  return order.async ? await ends.connect(path, options) : ends.connectSync(path, options);
}

function messageOf(index: number): Uint8Array {
  return messageAt(seed, index, sizeAt(seed, index, 0, sizeMax));
}

function check(index: number, bytes: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(bytes, expected) !== 0)
    throw new Error(`message ${index} is not what was sent`);
}

/** So much is published, or was received by a victim that only receives. */
function publish(messages: number): void {
  note[0] = messages;
  writeSync(progress, note, 0, 4, 0);
}

/** Now and then long enough for the other side to fall asleep. */
async function rest(index: number): Promise<void> {
  if (index % 7 !== 3) return;
  if (order.async) await delay(1);
  else pause(1);
}

async function produce(): Promise<void> {
  const producer = await meet<Producer>(zerocross.Producer);
  for (let index = 0; index < count; ) {
    await rest(index);
    index += await sendSome(producer, index);
  }
  // Closing publishes what is staged, and gives an open claim up.
  producer.tryClaim(8);
  producer.close();
}

/** Answers how many messages that were. */
async function sendSome(producer: Producer, index: number): Promise<number> {
  const bytes = messageOf(index);
  const way = sizeAt(seed ^ 0x77, index, 0, 7);
  if (way < 2) return sendMany(producer, index);
  if (way < 5) {
    if (order.async) await producer.send(bytes, index, { timeout });
    else producer.sendSync(bytes, index, { timeout });
  } else {
    if (way === 5) (await claim(producer, 64)).rollback();
    const slot = await claim(producer, bytes.length);
    slot.bytes.set(bytes);
    if (way === 6) {
      slot.stage(bytes.length, index);
      return 1;
    }
    slot.commit(bytes.length, index);
  }
  publish(index + 1);
  return 1;
}

async function claim(producer: Producer, size: number) {
  return order.async
    ? await producer.claim(size, { timeout })
    : producer.claimSync(size, { timeout });
}

/** As many of some small ones as there is room for; at least one, after waiting for it. */
async function sendMany(producer: Producer, first: number): Promise<number> {
  const messages = Array.from({ length: 4 }, (_, offset) => messageOf(first + offset));
  const sizes = Uint32Array.from(messages, ({ length }) => length);
  const bytes = new Uint8Array(Buffer.concat(messages));
  while (true) {
    const sent = producer.trySendMany(bytes, sizes, manyType);
    if (sent > 0) {
      publish(first + sent);
      return sent;
    }
    (await claim(producer, sizeMax)).rollback();
  }
}

async function consume(): Promise<void> {
  const consumer = await meet<Consumer>(zerocross.Consumer);
  let index = 0;
  while (index < count) {
    await rest(index);
    const messages = await receiveSome(consumer, index);
    if (messages === null) break;
    for (const bytes of messages) check(index, bytes, messageOf(index++));
    publish(index);
  }
  consumer.close();
}

/** Null: the producer has closed. */
async function receiveSome(consumer: Consumer, index: number): Promise<Uint8Array[] | null> {
  const way = sizeAt(seed ^ 0x99, index, 0, 3);
  if (way === 0) {
    const batch = order.async
      ? await consumer.drain(5, { timeout })
      : consumer.drainSync(5, { timeout });
    if (batch === null) return null;
    // It stays open for a while, and what it shows stays what it is.
    await rest(3);
    const messages = Array.from(batch, ({ bytes }) => bytes.slice());
    batch.release();
    return messages;
  }
  if (way === 1 && !order.async) {
    const size = consumer.receiveIntoSync(into, { timeout });
    return size < 0 ? null : [into.slice(0, size)];
  }
  const message = order.async
    ? await consumer.receive({ timeout })
    : consumer.receiveSync({ timeout });
  return message && [message.bytes];
}

async function call(): Promise<void> {
  const client = await meet<RpcClient>(zerocross.RpcClient);
  let asked = 0;
  let sent = 0;
  const askOn = async (): Promise<void> => {
    while (asked < count) {
      const index = asked++;
      // So calls overtake each other.
      await rest(index);
      const request = messageOf(index);
      const calling = order.async
        ? client.call(request, { typeId: index, timeout })
        : client.callSync(request, { typeId: index, timeout });
      if (order.async) publish(++sent);
      check(index, (await calling).bytes, answerTo(request));
      if (!order.async) publish(++sent);
    }
  };
  await Promise.all(Array.from({ length: order.async ? callsInFlight : 1 }, askOn));
  client.close();
}

/** Asynchronously with `serve`, which there is no other form of. */
async function respond(): Promise<void> {
  if (!order.async) {
    const responder = await meet<RpcResponder>(zerocross.RpcResponder);
    let answered = 0;
    responder.serveSync(({ bytes, typeId }) => {
      publish(typeId);
      answered += 1;
      if (answered % 7 === 3) pause(1);
      return answerTo(bytes);
    });
    responder.close();
    return;
  }
  const ended = Promise.withResolvers<void>();
  await using _server = await zerocross.serve({
    path,
    capacity,
    handler: async ({ bytes }) => {
      await rest(bytes.length);
      return answerTo(bytes);
    },
    onClose: () => ended.resolve(),
  });
  await ended.promise;
}
