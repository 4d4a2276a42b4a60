/** A producer or a consumer that lies while the channel runs: what was good before it is delivered. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { Consumer, CorruptError, Producer } from "../../src/index.ts";
import { Consumer as PeerConsumer } from "../peer/consumer.ts";
import { messageAt } from "../peer/content.ts";
import { Deadline } from "../peer/deadline.ts";
import { Producer as PeerProducer } from "../peer/producer.ts";
import { consumerLies, harmlessLies, producerLies } from "../peer/running-lies.ts";
import { startPeer } from "../peer/start.ts";
import { encodeHeader, states } from "../peer/wire.ts";
import { TestArena } from "../support/in-thread.ts";
import { startProgram } from "../support/program.ts";

const capacity = 4096;
const seed = 3;
const size = 32;
const recordSize = 128;
const timeout = 5000;
const message = (index: number) => messageAt(seed, index, size);
const corrupt = (finding: RegExp) => ({ name: "CorruptError", message: finding });
const newName = () => `@zerocross-liar-${process.pid}-${names++}`;
let names = 0;

// Every way to receive, as one step that answers copies of what it got; none: there is nothing now.

type Step = (consumer: Consumer) => Uint8Array[];

const into = new Uint8Array(capacity);
const waiting = { timeout };

function drained(batch: ReturnType<Consumer["tryDrain"]>): Uint8Array[] {
  const messages = [...(batch ?? [])].map(({ bytes }) => bytes.slice());
  batch?.release();
  return messages;
}

const polls: Record<string, Step> = {
  tryReceive: (consumer) => {
    const received = consumer.tryReceive();
    return received ? [received.bytes] : [];
  },
  tryReceiveInto: (consumer) => {
    const length = consumer.tryReceiveInto(into);
    return length < 0 ? [] : [into.slice(0, length)];
  },
  tryDrain: (consumer) => drained(consumer.tryDrain()),
};

const waits: Record<string, Step> = {
  receiveSync: (consumer) => {
    const received = consumer.receiveSync(waiting);
    return received ? [received.bytes] : [];
  },
  receiveIntoSync: (consumer) => {
    const length = consumer.receiveIntoSync(into, waiting);
    return length < 0 ? [] : [into.slice(0, length)];
  },
  drainSync: (consumer) => drained(consumer.drainSync(undefined, waiting)),
};

const receives = { ...polls, ...waits };

/** Receives until an error, which it throws; `good` is what came before. */
function receiveUntilError(consumer: Consumer, step: Step, good: Uint8Array[]): never {
  for (;;) good.push(...step(consumer));
}

function assertMessages(received: readonly Uint8Array[], count: number): void {
  assert.deepEqual(
    received,
    Array.from({ length: count }, (_, index) => message(index)),
  );
}

function assertStaysCorrupt(consumer: Consumer, finding: RegExp): void {
  for (const step of Object.values(receives)) {
    for (let i = 0; i < 2; i++) assert.throws(() => step(consumer), corrupt(finding));
  }
}

// Producers that lie

/** What is left of the ring behind three messages. */
const left = capacity - 3 * recordSize;
const findings: Record<keyof typeof producerLies, RegExp> = {
  "reserved-0": /reserves 0 bytes; expected a multiple of 64/,
  "reserved-32": /reserves 32 bytes; expected a multiple of 64/,
  "reserved-off-its-line": /reserves 100 bytes; expected a multiple of 64/,
  "reserved-huge": /reserves 4294967232 bytes; expected at most 128/,
  "size-above-reserved": /record of 65 bytes; expected at most the 64/,
  "size-huge": /record of 4294967294 bytes; expected at most the 64/,
  "size-that-overflows": /record of 4294967232 bytes; expected at most the 0/,
  "record-passes-the-ring": new RegExp(`reserves ${left + 64} .* at most ${left}`),
  "record-passes-head": /reserves 192 bytes; expected at most 128/,
  "two-skips": /a skip where none can be/,
  "head-moves-back": /moved head to 320; expected/,
  "head-back-to-0": /moved head to 0; expected/,
  "head-jumps": new RegExp(`moved head to ${3 * recordSize + capacity + 64}; expected`),
  "head-far-away": /moved head to 18446744073709\d+; expected/,
  "head-off-its-line": /moved head to 392; expected a multiple of 64/,
  "packed-entry-passes-its-record": /entry of 9 bytes; expected at most 8/,
  "packed-entry-huge": /entry of 4294967288 bytes; expected at most 8/,
  "packed-entry-without-a-header": /entry of 4 bytes; expected at least 8/,
};

const lies = Object.entries(producerLies) as [
  keyof typeof producerLies,
  (p: PeerProducer) => void,
][];

for (const [name, lie] of lies) {
  test(`a consumer finds the producer's lie "${name}", however it receives`, () => {
    for (const [how, step] of Object.entries(receives)) {
      using memory = new TestArena({ capacity });
      const consumer = memory.consumer();
      const producer = new PeerProducer(memory.arena);
      for (let i = 0; i < 3; i++) assert.ok(producer.trySend(message(i)));
      const good: Uint8Array[] = [];
      while (good.length < 3) good.push(...step(consumer));
      assert.equal(consumer.tryReceive(), undefined);
      lie(producer);
      assert.equal(memory.arena.state, states.ready);
      assert.throws(() => step(consumer), corrupt(findings[name]), how);
      assertMessages(good, 3);
      assert.equal(memory.arena.state, states.fatal);
      assertStaysCorrupt(consumer, findings[name]);
    }
  });
}

test("a record that passes the ring's end is found, also where head reaches beyond it", () => {
  for (const [how, step] of Object.entries(receives)) {
    using memory = new TestArena({ capacity, start: BigInt(capacity - recordSize) });
    const consumer = memory.consumer();
    const reserved = recordSize + 64;
    const header = { size: recordSize, typeId: 0, reserved, correlationId: 0n };
    memory.arena.ring.set(encodeHeader(header), capacity - recordSize);
    memory.arena.head += BigInt(reserved);
    const finding = /reserves 192 bytes; expected at most 128/;
    assert.throws(() => step(consumer), corrupt(finding), how);
    assert.equal(memory.arena.state, states.fatal);
  }
});

/** Where the ring itself holds the lie, what was published with it and before it is good. */
const behindGoodMessages = lies.filter(([name]) => !/^head-|^two-skips$/.test(name));

for (const [name, lie] of behindGoodMessages) {
  test(`what lies before the producer's lie "${name}" is delivered first`, () => {
    for (const [how, step] of Object.entries(receives)) {
      using memory = new TestArena({ capacity });
      const consumer = memory.consumer();
      const producer = new PeerProducer(memory.arena, { publishEvery: 32 });
      for (let i = 0; i < 3; i++) assert.ok(producer.trySend(message(i)));
      lie(producer);
      const good: Uint8Array[] = [];
      const receive = () => receiveUntilError(consumer, step, good);
      assert.throws(receive, corrupt(findings[name]), how);
      assertMessages(good, 3);
      assert.equal(memory.arena.state, states.fatal);
    }
  });
}

for (const [index, [name]] of lies.entries()) {
  const [how, step] = Object.entries(waits)[index % 3] as [string, Step];
  test(`${how} is woken by another process's lie "${name}"`, async () => {
    const path = newName();
    const told = ["--what", name, "--seed", seed, "--capacity", capacity, "--good", 40];
    const liar = startPeer(["lie", "--listen", "--path", path, ...told]);
    using consumer = Consumer.connectSync(path, { timeout });
    const good: Uint8Array[] = [];
    assert.throws(() => receiveUntilError(consumer, step, good), CorruptError);
    const report = await liar.report;
    assertMessages(good, report.count ?? 0);
    assert.equal(report.state, states.fatal);
  });
}

for (const [name, lie] of Object.entries(harmlessLies)) {
  test(`a consumer is not misled by the producer's lie "${name}"`, () => {
    for (const [how, step] of Object.entries(receives)) {
      using memory = new TestArena({ capacity });
      const consumer = memory.consumer();
      const producer = new PeerProducer(memory.arena);
      const rounds = (2 * capacity) / recordSize;
      for (let round = 0; round < rounds; round++) {
        const bytes = messageAt(seed, round, 1 + (round % 70));
        lie(producer, { bytes, typeId: 9 });
        assert.deepEqual(step(consumer), [bytes], how);
      }
      assert.equal(consumer.tryReceive(), undefined);
      assert.equal(memory.arena.state, states.ready);
    }
  });

  test(`another process's lie "${name}" changes nothing`, async () => {
    const path = newName();
    const told = ["--what", name, "--seed", seed, "--capacity", capacity, "--good", 40];
    const liar = startPeer(["lie", "--listen", "--path", path, ...told]);
    using consumer = Consumer.connectSync(path, { timeout });
    const received: Uint8Array[] = [];
    for (let next = consumer.receiveSync(waiting); next; next = consumer.receiveSync(waiting)) {
      received.push(next.bytes);
    }
    assertMessages(received, (await liar.report).count ?? 0);
  });
}

// Consumers that lie

type Send = (producer: Producer, bytes: Uint8Array) => boolean;

const sends: Record<string, Send> = {
  trySend: (producer, bytes) => producer.trySend(bytes),
  sendSync: (producer, bytes) => {
    producer.sendSync(bytes, 0, waiting);
    return true;
  },
  trySendMany: (producer, bytes) => producer.trySendMany(bytes, Uint32Array.of(bytes.length)) === 1,
  tryClaim: (producer, bytes) => {
    using slot = producer.tryClaim(bytes.length);
    slot?.bytes.set(bytes);
    slot?.commit();
    return slot !== undefined;
  },
  claimSync: (producer, bytes) => {
    using slot = producer.claimSync(bytes.length, waiting);
    slot.bytes.set(bytes);
    slot.commit();
    return true;
  },
};

function assertCannotSend(producer: Producer, finding: RegExp): void {
  for (const send of Object.values(sends)) {
    for (let i = 0; i < 2; i++) assert.throws(() => send(producer, message(0)), corrupt(finding));
  }
}

const tailFindings: Record<keyof typeof consumerLies, RegExp> = {
  "tail-beyond-head": /moved tail to 10995\d+; expected a multiple of 64 up to \d+/,
  "tail-far-away": /moved tail to 18446744073709\d+; expected/,
  "tail-off-its-line": /moved tail to \d+[^;]*; expected a multiple of 64/,
  "tail-moves-back": /moved tail to 0; expected/,
};

for (const [name, lie] of Object.entries(consumerLies)) {
  const finding = tailFindings[name as keyof typeof consumerLies];

  test(`a producer finds the consumer's lie "${name}", however it sends`, () => {
    for (const [how, send] of Object.entries(sends)) {
      using memory = new TestArena({ capacity });
      const producer = memory.producer();
      const consumer = new PeerConsumer(memory.arena);
      // More than one ring's length, so that the producer has looked at tail before.
      const good = (2 * capacity) / recordSize + 1;
      for (let i = 0; i < good; i++) {
        assert.ok(send(producer, message(i)), how);
        assert.deepEqual(consumer.tryReceive()?.bytes, message(i));
      }
      consumer.release();
      lie(consumer, new Deadline(timeout));
      const sendOn = () => {
        // There is room for less than this, so the producer has to look at tail.
        for (let i = 0; i <= capacity / recordSize; i++) send(producer, message(i));
      };
      assert.throws(sendOn, corrupt(finding), how);
      assert.equal(memory.arena.state, states.fatal);
      assert.ok(memory.arena.head <= consumer.position + BigInt(capacity), "it overran the ring");
      assertCannotSend(producer, finding);
    }
  });

  test(`a producer finds another process's lie "${name}" while it sends`, async () => {
    const path = newName();
    const told = ["--what", name, "--seed", seed, "--capacity", capacity, "--type", 0];
    const liar = startPeer(["lie", "--listen", "--path", path, ...told]);
    using producer = Producer.connectSync(path, { timeout });
    const sendOn = () => {
      for (let i = 0; ; i++) producer.sendSync(message(i), 0, waiting);
    };
    assert.throws(sendOn, corrupt(finding));
    assert.equal((await liar.report).state, states.fatal);
  });
}

// The peer's verdict

const verdicts = {
  [states.fatal]: /found the ring broken and gave the channel up/,
  [states.uninitialised]: /state to 0; expected 2/,
  [states.initialising]: /state to 1; expected 2/,
  5: /state to 5; expected 2/,
  4294967295: /state to 4294967295; expected 2/,
};

for (const [word, finding] of Object.entries(verdicts)) {
  const state = Number(word);

  test(`a consumer that finds the state ${state} gets what is there, and then a CorruptError`, () => {
    for (const [how, step] of Object.entries(receives)) {
      using memory = new TestArena({ capacity });
      const consumer = memory.consumer();
      const producer = new PeerProducer(memory.arena);
      for (let i = 0; i < 3; i++) assert.ok(producer.trySend(message(i)));
      memory.arena.state = state;
      const good: Uint8Array[] = [];
      const receive = () => receiveUntilError(consumer, step, good);
      assert.throws(receive, corrupt(finding), how);
      assertMessages(good, 3);
      assert.equal(memory.arena.state, states.fatal);
      assertStaysCorrupt(consumer, finding);
    }
  });

  test(`a producer that finds the state ${state} sends nothing more`, () => {
    for (const [how, send] of Object.entries(sends)) {
      using memory = new TestArena({ capacity });
      const producer = memory.producer();
      memory.arena.state = state;
      assert.throws(() => send(producer, message(0)), corrupt(finding), how);
      assert.equal(memory.arena.head, 0n);
      assert.equal(memory.arena.state, states.fatal);
      assertCannotSend(producer, finding);
    }
  });
}

for (const state of [states.fatal, 5]) {
  test(`a consumer asleep notices the state ${state}, although nobody wakes it`, async () => {
    const path = newName();
    using peer = startProgram("verdict", { path, state, sleeper: "consumerSleeping" });
    using consumer = Consumer.listenSync(path, { timeout });
    assert.throws(() => consumer.receiveSync({ timeout }), CorruptError);
    await peer.next<string>();
  });

  test(`a producer asleep notices the state ${state}, although nobody wakes it`, async () => {
    const path = newName();
    using peer = startProgram("verdict", { path, state, sleeper: "producerParked" });
    using producer = Producer.listenSync(path, { timeout, capacity });
    const sendOn = () => {
      for (;;) producer.sendSync(message(0), 0, waiting);
    };
    assert.throws(sendOn, CorruptError);
    await peer.next<string>();
  });
}

test("an end of a broken channel closes, and says from then on that it is closed", () => {
  using memory = new TestArena({ capacity });
  const consumer = memory.consumer();
  const producer = memory.producer();
  memory.arena.state = states.fatal;
  assert.throws(() => consumer.tryReceive(), CorruptError);
  assert.throws(() => producer.trySend(message(0)), CorruptError);
  for (const end of [consumer, producer]) end.close();
  assert.throws(() => consumer.tryReceive(), { name: "ClosedError" });
  assert.throws(() => producer.trySend(message(0)), { name: "ClosedError" });
  assert.equal(memory.arena.state, states.fatal);
});
