/** The library against an independent peer of the wire, and what both of them leave in shared memory. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { Consumer, Producer } from "../../src/index.ts";
import { Arena } from "../peer/arena.ts";
import { Consumer as PeerConsumer } from "../peer/consumer.ts";
import { checksum, checksumStart, messageAt, sizeAt } from "../peer/content.ts";
import { Deadline } from "../peer/deadline.ts";
import * as libc from "../peer/libc.ts";
import { connectTo, receive } from "../peer/rendezvous.ts";
import { startPeer } from "../peer/start.ts";
import {
  abilities,
  controlSize,
  encodeHandshake,
  honestHandshake,
  offsets,
  sleeping,
  states,
  type Wire,
} from "../peer/wire.ts";
import { startEnd } from "../support/far-end.ts";
import { temporaryPaths } from "../support/folder.ts";
import { openChannel, TestArena } from "../support/in-thread.ts";
import { bothRuntimes } from "../support/program.ts";
import { printedSeed } from "../support/seed.ts";

const newPath = temporaryPaths();
const seed = printedSeed();
const wires: readonly Wire[] = [2, 3, 4];
const capacity = 4096;
const count = 1000;
const typeId = 77;
const timeout = 8000;

interface Traffic {
  /** What the peer is told. */
  readonly flags: readonly string[];
  /** The largest message. */
  readonly sizeMax: number;
}

const traffics: Record<string, Traffic> = {
  plain: { flags: [], sizeMax: capacity / 2 - 64 },
  lane: { flags: ["--lane"], sizeMax: 40 },
  packed: { flags: ["--packed"], sizeMax: 100 },
  mixed: { flags: ["--lane", "--packed", "--park"], sizeMax: 600 },
};

/** Some records before both numbers, so that the counters pass them under way. */
const starts: Record<string, bigint> = {
  "2^32": 2n ** 32n - 640n,
  "2^53": 2n ** 53n - 640n,
};

function message(index: number, sizeMax: number): Uint8Array {
  return messageAt(seed, index, sizeAt(seed, index, 0, sizeMax));
}

interface Tally {
  count: number;
  bytes: number;
  checksum: number;
}

function emptyTally(): Tally {
  return { count: 0, bytes: 0, checksum: checksumStart };
}

function add(tally: Tally, bytes: Uint8Array): void {
  tally.count++;
  tally.bytes += bytes.length;
  tally.checksum = checksum(tally.checksum, bytes);
}

/** By turns one by one, in a claimed slot, and many at a time. */
function sendAll(producer: Producer, sizeMax: number): Tally {
  const tally = emptyTally();
  while (tally.count < count) {
    const bytes = message(tally.count, sizeMax);
    const turn = Math.floor(tally.count / 40) % 3;
    if (turn === 0) {
      producer.sendSync(bytes, typeId, { timeout });
    } else if (turn === 1) {
      const slot = producer.claimSync(bytes.length, { timeout });
      slot.bytes.set(bytes);
      slot.commit(bytes.length, typeId);
    } else {
      sendMany(producer, tally, sizeMax);
      continue;
    }
    add(tally, bytes);
  }
  return tally;
}

function sendMany(producer: Producer, tally: Tally, sizeMax: number): void {
  const limit = Math.min(40 - (tally.count % 40), count - tally.count);
  const messages = Array.from({ length: limit }, (_, i) => message(tally.count + i, sizeMax));
  const sizes = Uint32Array.from(messages, (bytes) => bytes.length);
  const sent = producer.trySendMany(new Uint8Array(Buffer.concat(messages)), sizes, typeId);
  for (const bytes of messages.slice(0, sent)) add(tally, bytes);
  if (sent > 0) return;
  // The ring is full: the first of them waits for room.
  producer.sendSync(messages[0] as Uint8Array, typeId, { timeout });
  add(tally, messages[0] as Uint8Array);
}

/** By turns a copy, a copy into a buffer, and in place; each message is what the seed makes it. */
function receiveAll(consumer: Consumer, sizeMax: number): Tally {
  const tally = emptyTally();
  const into = new Uint8Array(sizeMax);
  const take = (bytes: Uint8Array, type: number) => {
    const expected = message(tally.count, sizeMax);
    assert.equal(Buffer.compare(bytes, expected), 0, `message ${tally.count}`);
    assert.equal(type, typeId);
    add(tally, bytes);
  };
  for (let turn = 0; ; turn++) {
    if (turn % 3 === 0) {
      const received = consumer.receiveSync({ timeout });
      if (received === null) return tally;
      take(received.bytes, received.typeId);
    } else if (turn % 3 === 1) {
      const size = consumer.receiveIntoSync(into, { timeout });
      if (size < 0) return tally;
      take(into.subarray(0, size), consumer.lastTypeId);
    } else {
      using batch = consumer.drainSync(8, { timeout });
      if (batch === null) return tally;
      for (const one of batch) take(one.bytes, one.typeId);
    }
  }
}

let runs = 0;

/** The peer in a process of its own, under either runtime by turns. */
function startSide(command: "produce" | "consume", path: string, traffic: Traffic, more: string[]) {
  const { flags, sizeMax } = traffic;
  const content = ["--seed", seed, "--size", `0-${sizeMax}`, "--type", typeId];
  const limits = command === "produce" ? ["--count", count] : [];
  const runtime = bothRuntimes[runs++ % 2] as "bun" | "deno";
  return startPeer(
    [command, "--path", path, ...content, ...limits, ...flags, ...more],
    runtime,
    20_000,
  );
}

function listening(wire: Wire, start: bigint): string[] {
  const place = ["--capacity", String(capacity), "--start", String(start)];
  return ["--listen", "--wire", String(wire), ...place];
}

async function produceForPeer(path: string, wire: Wire, traffic: Traffic, start?: bigint) {
  const more = start === undefined ? [] : listening(wire, start);
  const peer = startSide("consume", path, traffic, more);
  const options = { capacity, wire, timeout };
  const producer =
    start === undefined
      ? Producer.listenSync(path, options)
      : Producer.connectSync(path, { timeout });
  assert.equal(producer.peer.pid, peer.pid);
  const sent = sendAll(producer, traffic.sizeMax);
  producer.close();
  const { lane = 0, packed = 0, closed, state, ...found } = await peer.report;
  assert.deepEqual(found, { ...sent, peer: process.pid });
  assert.deepEqual({ closed, state }, { closed: true, state: states.disconnected });
  assertOffered(traffic, "--packed", packed);
  if (!traffic.flags.includes("--lane")) assert.equal(lane, 0);
}

async function consumeFromPeer(path: string, wire: Wire, traffic: Traffic, start?: bigint) {
  const more = start === undefined ? [] : listening(wire, start);
  const peer = startSide("produce", path, traffic, more);
  const options = { capacity, wire, timeout };
  const consumer =
    start === undefined
      ? Consumer.listenSync(path, options)
      : Consumer.connectSync(path, { timeout });
  assert.equal(consumer.peer.pid, peer.pid);
  const received = receiveAll(consumer, traffic.sizeMax);
  consumer.close();
  const { lane = 0, packed = 0, state, ...found } = await peer.report;
  assert.deepEqual(found, { ...received, peer: process.pid });
  assert.equal(received.count, count);
  assert.ok(state === states.ready || state === states.disconnected, `state ${state}`);
  assertOffered(traffic, "--packed", packed);
  if (!traffic.flags.includes("--packed")) assertOffered(traffic, "--lane", lane);
}

/** That an addition was used when the peer has it, and only then. */
function assertOffered(traffic: Traffic, flag: string, used: number): void {
  assert.equal(used > 0, traffic.flags.includes(flag), `${used} messages with ${flag}`);
}

let combination = 0;
for (const wire of wires) {
  for (const [name, traffic] of Object.entries(traffics)) {
    // Both starts meet every wire and every kind of traffic.
    const names = Object.keys(starts);
    const toPeer = names[(combination + wire) % 2] as string;
    const fromPeer = names[(combination + wire + 1) % 2] as string;
    combination++;
    test(`a peer that connects gets ${name} messages of wire ${wire} from the library`, async () => {
      await produceForPeer(newPath(), wire, traffic);
    });
    test(`a peer that listens gets ${name} messages of wire ${wire}, from near ${toPeer} on`, async () => {
      await produceForPeer(newPath(), wire, traffic, starts[toPeer]);
    });
    test(`the library gets ${name} messages of wire ${wire} from a peer that connects`, async () => {
      await consumeFromPeer(newPath(), wire, traffic);
    });
    test(`the library gets ${name} messages of wire ${wire} from a peer that listens, from near ${fromPeer} on`, async () => {
      await consumeFromPeer(newPath(), wire, traffic, starts[fromPeer]);
    });
  }
}

for (const wire of wires) {
  for (const end of ["producer", "consumer"] as const) {
    test(`a ${end} that listens with wire ${wire} hands over its bytes, and memory of that version`, async () => {
      const path = newPath();
      using program = startEnd({
        path,
        end,
        listens: true,
        options: { capacity, wire },
        steps: [["awaitWord"]],
      });
      const socket = connectTo(path, new Deadline(timeout));
      const { bytes, fds } = receive(socket, new Deadline(timeout));
      const hangup = receive(socket, new Deadline(timeout));
      libc.close(socket);
      assert.deepEqual([...bytes], [...encodeHandshake(wire, honestHandshake(wire, capacity))]);
      assert.equal(bytes.length, wire === 4 ? 32 : 20);
      assert.equal(hangup.bytes.length, 0);
      assert.equal(fds.length, 1);
      const arena = Arena.map(fds[0] as number, capacity);
      const control = Array.from({ length: 5 }, (_, i) => arena.load32(4 * i));
      assert.deepEqual(control, [0x54414348, wire, capacity, 64, 2]);
      assert.deepEqual([arena.head, arena.tail], [0n, 0n]);
      const bits = [arena.producerAbilities & 2, arena.consumerAbilities & 2];
      assert.deepEqual(bits, end === "producer" ? [2, 0] : [0, 2]);
      arena.close();
      program.tell();
      assert.equal((await program.ended).code, 0);
    });
  }
}

/** The u32 of a record's header line, where the library writes: size, type, reserved, zero, correlation. */
function header(arena: Arena, position: number): number[] {
  return Array.from({ length: 6 }, (_, i) =>
    arena.view.getUint32(controlSize + position + 4 * i, true),
  );
}

test("a record in memory is a header line, then its payload from the next line on", () => {
  using channel = openChannel();
  const { arena, producer } = channel;
  const bytes = messageAt(seed, 0, 100);
  producer.trySend(bytes, 0x00020007);
  assert.equal(arena.head, 192n);
  assert.equal(arena.tail, 0n);
  assert.deepEqual(header(arena, 0), [100, 0x00020007, 192, 0, 0, 0]);
  assert.deepEqual(arena.ring.slice(64, 164), bytes);
  assert.ok(arena.ring.slice(192).every((byte) => byte === 0));
});

test("a record that does not fit before the ring's end leaves a skip there and starts at 0", () => {
  using channel = openChannel();
  const { arena, producer, consumer } = channel;
  for (let i = 0; i < 3; i++) producer.trySend(messageAt(seed, i, 1200), i);
  for (let i = 0; i < 3; i++) assert.equal(consumer.tryReceive()?.typeId, i);
  assert.equal(consumer.tryReceive(), undefined);
  assert.deepEqual([arena.head, arena.tail], [3840n, 3840n]);
  const bytes = messageAt(seed, 3, 500);
  producer.trySend(bytes, 3);
  const line = [...arena.ring.slice(3840, 3904)];
  assert.deepEqual(line, [0xff, 0xff, 0xff, 0xff, ...new Array(60).fill(0)]);
  assert.equal(arena.head, 4096n + 576n);
  assert.deepEqual(header(arena, 0), [500, 3, 576, 0, 0, 0]);
  assert.deepEqual(arena.ring.slice(64, 564), bytes);
  assert.deepEqual(consumer.tryReceive(), { bytes, typeId: 3 });
});

test("a small message alone in its publication is in the lane as well, under the head that publishes it", () => {
  using channel = openChannel({ start: 2n ** 32n - 128n });
  const { arena, producer } = channel;
  const bytes = messageAt(seed, 0, 32);
  producer.trySend(bytes, 9);
  assert.equal(arena.head, 2n ** 32n);
  assert.equal(arena.load64(136), arena.head);
  assert.deepEqual([arena.load32(144), arena.load32(148)], [32, 9]);
  assert.equal(arena.load64(152), 0n);
  assert.deepEqual(arena.bytes.slice(160, 192), bytes);
  const received = new PeerConsumer(arena, { lane: true }).tryReceive();
  assert.equal(received?.via, "lane");
  assert.deepEqual(received?.bytes, bytes);
});

test("a message of 33 bytes is not in the lane", () => {
  using channel = openChannel();
  channel.producer.trySend(messageAt(seed, 0, 33), 9);
  assert.notEqual(channel.arena.load64(136), channel.arena.head);
});

test("messages that are sent together share one record of packed entries", () => {
  using channel = openChannel();
  const { arena, producer } = channel;
  assert.equal(producer.trySendMany(Uint8Array.of(1, 2, 3, 4), Uint32Array.of(3, 0, 1), 5), 3);
  const entries = [
    [3, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 5, 0, 0, 0],
    [1, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0],
  ].flat();
  assert.deepEqual(header(arena, 0), [entries.length, 0xffffffff, 128, 0, 0, 0]);
  assert.deepEqual([...arena.ring.slice(64, 64 + entries.length)], entries);
  assert.equal(arena.head, 128n);
});

test("each end writes its own abilities and sleeping word when it opens, and nothing else", () => {
  using memory = new TestArena();
  const { arena } = memory;
  const changed = () => {
    const now = arena.bytes.slice();
    const places = [...now.keys()].filter((at) => now[at] !== before[at]);
    before = now;
    return places;
  };
  let before = arena.bytes.slice();
  memory.producer();
  assert.equal(arena.producerAbilities, abilities.packedRecords);
  assert.deepEqual(changed(), [offsets.producerAbilities]);
  memory.consumer({ spin: Infinity });
  assert.equal(arena.consumerAbilities, abilities.packedRecords);
  assert.equal(arena.consumerSleeping, sleeping.never);
  assert.deepEqual(changed(), [offsets.consumerAbilities, offsets.consumerSleeping]);
});

test("a consumer that may sleep is awake in memory when it opens", () => {
  using channel = openChannel();
  assert.equal(channel.arena.load32(384), 0);
  assert.equal(channel.arena.load32(264), 0);
});

for (const end of ["producer", "consumer"] as const) {
  test(`state is 2 while a ${end} is open, and 3 once it closed`, () => {
    using channel = openChannel();
    channel.producer.trySend(new Uint8Array(9));
    assert.equal(channel.arena.load32(16), 2);
    channel[end].close();
    assert.equal(channel.arena.load32(16), 3);
    assert.deepEqual([channel.arena.head, channel.arena.tail], [128n, 0n]);
  });
}
