/**
 * The test peer as a process: `produce` and `consume` on a channel, `call` and `answer` in RPC, and
 * `lie` in either. It prints one line of JSON as it ends (`Report` in start.ts says which fields) and
 * exits with 1 and a message when something failed.
 */
import { Arena } from "./arena.ts";
import {
  capacity,
  deadline,
  finish,
  messageNumber,
  options,
  path,
  positionals,
  print,
  seed,
  stay,
  typeId,
  wire,
} from "./command-line.ts";
import { Consumer, type Received } from "./consumer.ts";
import { checksum, checksumStart } from "./content.ts";
import { Deadline } from "./deadline.ts";
import {
  connectorLies,
  type HandshakeLie,
  handshakeLies,
  tellHandshakeLie,
} from "./handshake-lies.ts";
import { sleep } from "./libc.ts";
import { Producer } from "./producer.ts";
import { connectOnce, listenOnce } from "./rendezvous.ts";
import { answer, call, findRpcLie } from "./rpc-commands.ts";
import { consumerLies, harmlessLies, producerLies } from "./running-lies.ts";
import { type Entry, maxMessageSize, roundUp } from "./wire.ts";

/** Meets the other side. This side's end stands in the arena before a connector can look at it. */
function meet<End extends Producer | Consumer>(standUp: (arena: Arena) => End) {
  if (!options.listen) {
    const { arenas, peer } = connectOnce(path(), deadline);
    return { end: standUp(arenas[0] as Arena), peer: peer.pid };
  }
  const arena = Arena.create(capacity, { wire, start: BigInt(options.start) });
  const end = standUp(arena);
  return { end, peer: listenOnce(path(), { wire, arenas: [arena] }, deadline).pid };
}

function meetAsProducer() {
  const { lane, packed, park } = options;
  const publishEvery = Number(options.every);
  return meet((arena) => new Producer(arena, { lane, packed, parks: park, publishEvery }));
}

function meetAsConsumer() {
  const { lane, packed, park, spin } = options;
  return meet(
    (arena) => new Consumer(arena, { lane, packed, wakesProducer: park, neverSleeps: spin }),
  );
}

/** The next messages for one packed record: up to 32 that fit; none where the first is too large. */
function batchFrom(index: number, count: number, sizeLimit: number): Entry[] {
  const batch: Entry[] = [];
  let size = 0;
  for (let i = index; i < count && batch.length < 32; i++) {
    const bytes = messageNumber(i);
    size += 8 + roundUp(bytes.length, 8);
    if (size > sizeLimit) break;
    batch.push({ bytes, typeId });
  }
  return batch;
}

/** Which ability a consumer has shows a moment after it connects; without it nothing is packed. */
function awaitPackingConsumer(producer: Producer): void {
  const patience = new Deadline(1000);
  while (!producer.consumerTakesPacked && patience.remainingMs > 0) sleep(1);
}

function produce(): void {
  const { end: producer, peer } = meetAsProducer();
  const count = Number(options.count ?? 0);
  const sizeLimit = maxMessageSize(producer.arena.capacity);
  if (options.packed) awaitPackingConsumer(producer);
  const packs = options.packed && producer.consumerTakesPacked;
  let [sum, bytes, packed] = [checksumStart, 0, 0];
  for (let index = 0; index < count; ) {
    const batch = packs ? batchFrom(index, count, sizeLimit) : [];
    if (batch.length > 0) {
      producer.sendPacked(batch, deadline);
      packed += batch.length;
    } else {
      batch.push({ bytes: messageNumber(index), typeId });
      producer.send(messageNumber(index), typeId, deadline);
    }
    for (const entry of batch) {
      sum = checksum(sum, entry.bytes);
      bytes += entry.bytes.length;
    }
    index += batch.length;
  }
  producer.publish();
  finish(producer, { count, bytes, checksum: sum, lane: producer.laneRecords, packed, peer });
}

function checkContent(message: Received, index: number): void {
  const expected = messageNumber(index);
  if (Buffer.compare(message.bytes, expected) !== 0) {
    const found = `${message.bytes.length} bytes where ${expected.length} were sent`;
    throw new Error(`message ${index} is not what seed ${seed} makes it: ${found}`);
  }
  if (message.typeId !== typeId) throw new Error(`message ${index} has type ${message.typeId}`);
}

/** Receives and checks up to `limit` messages. */
function receiveAll(consumer: Consumer, limit: number) {
  const tally = { count: 0, bytes: 0, checksum: checksumStart, lane: 0, packed: 0, closed: false };
  while (tally.count < limit) {
    const message = consumer.receive(deadline);
    if (message === null) return { ...tally, closed: true };
    checkContent(message, tally.count);
    tally.count++;
    tally.bytes += message.bytes.length;
    tally.checksum = checksum(tally.checksum, message.bytes);
    if (message.via !== "ring") tally[message.via]++;
  }
  return tally;
}

function consume(): void {
  const { end: consumer, peer } = meetAsConsumer();
  const limit = options.count === undefined ? Infinity : Number(options.count);
  finish(consumer, { ...receiveAll(consumer, limit), peer });
}

/** Sends good messages until the ring is empty again and its next record is not at its start. */
function sendGood(producer: Producer): number {
  const good = Number(options.good);
  let count = 0;
  while (count < good || producer.arena.ringOffset(producer.position) === 0) {
    producer.send(messageNumber(count), typeId, deadline);
    count++;
  }
  producer.drain(deadline);
  return count;
}

function lieAsProducer(lie: (producer: Producer) => void): void {
  const { end: producer, peer } = meetAsProducer();
  const count = sendGood(producer);
  lie(producer);
  stay(producer);
  print({ count, peer, state: producer.state });
}

function lieHarmlessly(lie: (producer: Producer, message: Entry) => void): void {
  const { end: producer, peer } = meetAsProducer();
  let count = sendGood(producer);
  lie(producer, { bytes: messageNumber(count++), typeId });
  for (let i = 0; i < Number(options.good); i++) {
    producer.send(messageNumber(count++), typeId, deadline);
  }
  finish(producer, { count, peer });
}

function lieAsConsumer(lie: (consumer: Consumer, deadline: Deadline) => void): void {
  const { end: consumer, peer } = meetAsConsumer();
  const { count } = receiveAll(consumer, Number(options.good));
  lie(consumer, deadline);
  stay(consumer);
  print({ count, peer, state: consumer.state });
}

function lieAtHandshake(lie: HandshakeLie): void {
  tellHandshakeLie(path(), lie, { wire, capacity }, deadline);
  print({});
}

function lieAtConnect(lie: (path: string, deadline: Deadline) => void): void {
  lie(path(), deadline);
  print({});
}

/** Finds the lie by its name; which kind it is decides which side of the channel the liar plays. */
function lie(): void {
  const what = options.what ?? "";
  const find = <Lie>(lies: Record<string, Lie>): Lie | undefined => lies[what];
  const asProducer = find<(producer: Producer) => void>(producerLies);
  const harmless = find<(producer: Producer, message: Entry) => void>(harmlessLies);
  const asConsumer = find<(consumer: Consumer, deadline: Deadline) => void>(consumerLies);
  const atHandshake = find<HandshakeLie>(handshakeLies);
  const atConnect = find<(path: string, deadline: Deadline) => void>(connectorLies);
  const inRpc = findRpcLie(what);
  if (inRpc) inRpc();
  else if (options.as) throw new Error(`a ${options.as} has no lie called "${what}"`);
  else if (asProducer) lieAsProducer(asProducer);
  else if (harmless) lieHarmlessly(harmless);
  else if (asConsumer) lieAsConsumer(asConsumer);
  else if (atHandshake) lieAtHandshake(atHandshake);
  else if (atConnect) lieAtConnect(atConnect);
  else throw new Error(`there is no lie called "${what}"`);
}

const commands: Record<string, () => void> = { produce, consume, call, answer, lie };
const command = commands[positionals[0] ?? ""];
if (command === undefined) throw new Error(`the command is ${Object.keys(commands).join(", ")}`);
command();
