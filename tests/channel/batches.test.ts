/** Reading in place: drained batches, and messages that were sent many at a time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Batch, Consumer, Producer } from "../../src/index.ts";
import { Consumer as PeerConsumer } from "../peer/consumer.ts";
import { messageAt, sizeAt } from "../peer/content.ts";
import { openChannel, TestArena } from "../support/in-thread.ts";

const closed = { name: "ClosedError", code: "ERR_ZEROCROSS_CLOSED" };
const batchOpen = { name: "ZerocrossError", code: "ERR_ZEROCROSS_BATCH_OPEN" };

/** Messages of 0, 1, 2 ... bytes whose types count as well. */
function send(producer: Producer, count: number): void {
  for (let i = 0; i < count; i++) producer.trySend(messageAt(1, i, i), i);
}

function sendMany(producer: Producer, sizes: number[], typeId = 0): number {
  const bytes = Buffer.concat(sizes.map((size, i) => messageAt(1, i, size)));
  return producer.trySendMany(bytes, Uint32Array.from(sizes), typeId);
}

function drain(consumer: Consumer, max?: number): Batch {
  const batch = consumer.tryDrain(max);
  assert.ok(batch, "nothing was there");
  return batch;
}

test("a batch tells bytes, size, type and place of every message, in order", () => {
  using channel = openChannel({ capacity: 65536 });
  send(channel.producer, 100);
  const batch = drain(channel.consumer);
  assert.equal(batch.length, 100);
  for (let i = 0; i < 100; i++) {
    assert.deepEqual(batch.bytes(i).slice(), messageAt(1, i, i));
    assert.equal(batch.size(i), i);
    assert.equal(batch.typeId(i), i);
    const { buffer } = batch.memory;
    assert.deepEqual(new Uint8Array(buffer, batch.offset(i), i).slice(), messageAt(1, i, i));
  }
});

test("a batch can be iterated, and again", () => {
  using channel = openChannel();
  send(channel.producer, 10);
  using batch = drain(channel.consumer);
  for (let round = 0; round < 2; round++) {
    const messages = [...batch].map(({ bytes, typeId }) => ({ bytes: bytes.slice(), typeId }));
    const expected = Array.from({ length: 10 }, (_, i) => ({
      bytes: messageAt(1, i, i),
      typeId: i,
    }));
    assert.deepEqual(messages, expected);
  }
});

test("a batch is over the whole mapping, which is one object for the channel's life", () => {
  using channel = openChannel({ capacity: 8192 });
  send(channel.producer, 2);
  const first = drain(channel.consumer, 1);
  const { memory } = first;
  assert.equal(memory.byteLength, 768 + 8192);
  assert.equal(memory.getUint32(0, true), 0x54414348);
  first.release();
  using second = drain(channel.consumer, 1);
  assert.equal(second.memory, memory);
  assert.equal(second.bytes(0).buffer, memory.buffer);
});

for (const max of [1, 3, 1024, 2 ** 32 - 1]) {
  test(`at most ${max} messages are drained at a time, and all of them in the end`, () => {
    using channel = openChannel({ capacity: 65536 });
    send(channel.producer, 40);
    sendMany(channel.producer, Array(60).fill(5), 40);
    const types: number[] = [];
    while (types.length < 100) {
      using batch = drain(channel.consumer, max);
      assert.ok(batch.length <= max);
      assert.ok(batch.length === max || types.length + batch.length === 100);
      for (let i = 0; i < batch.length; i++) types.push(batch.typeId(i));
    }
    assert.deepEqual(
      types,
      Array.from({ length: 100 }, (_, i) => Math.min(i, 40)),
    );
    assert.equal(channel.consumer.tryDrain(max), undefined);
  });
}

test("as many messages as the ring can hold come in one batch", () => {
  using channel = openChannel();
  let count = 0;
  while (channel.producer.trySend(new Uint8Array(0))) count++;
  assert.equal(count, 4096 / 64);
  using batch = drain(channel.consumer);
  assert.equal(batch.length, count);
});

test("a batch keeps its place until it is released", () => {
  using channel = openChannel();
  const { producer, consumer, arena } = channel;
  for (let i = 0; i < 4; i++) producer.trySend(messageAt(1, i, 960), i);
  const batch = drain(consumer);
  assert.equal(arena.tail, 0n);
  assert.equal(producer.trySend(messageAt(1, 4, 960)), false);
  assert.deepEqual(batch.bytes(3).slice(), messageAt(1, 3, 960));
  batch.release();
  assert.equal(arena.tail, 4096n);
  assert.equal(producer.trySend(messageAt(1, 4, 960)), true);
});

test("using a released batch throws, releasing it again does not", () => {
  using channel = openChannel();
  send(channel.producer, 2);
  const batch = drain(channel.consumer);
  const iterator = batch[Symbol.iterator]();
  assert.equal(iterator.next().value.typeId, 0);
  batch.release();
  const uses: (() => unknown)[] = [
    () => batch.length,
    () => batch.bytes(0),
    () => batch.size(0),
    () => batch.typeId(0),
    () => batch.offset(0),
    () => batch.memory,
    () => [...batch],
    () => iterator.next(),
  ];
  for (const use of uses) assert.throws(use, closed, String(use));
  batch.release();
  batch[Symbol.dispose]();
  send(channel.producer, 1);
  assert.equal(channel.consumer.tryReceive()?.typeId, 0);
});

test("a batch is released when its block is left", () => {
  using channel = openChannel();
  send(channel.producer, 2);
  {
    using batch = drain(channel.consumer, 1);
    assert.equal(batch.typeId(0), 0);
  }
  assert.equal(channel.consumer.tryReceive()?.typeId, 1);
});

const receives: Record<string, (consumer: Consumer) => unknown> = {
  tryDrain: (consumer) => consumer.tryDrain(),
  drainSync: (consumer) => consumer.drainSync(1, { timeout: 100 }),
  tryReceive: (consumer) => consumer.tryReceive(),
  receiveSync: (consumer) => consumer.receiveSync({ timeout: 100 }),
  tryReceiveInto: (consumer) => consumer.tryReceiveInto(new Uint8Array(64)),
  receiveIntoSync: (consumer) => consumer.receiveIntoSync(new Uint8Array(64), { timeout: 100 }),
};

for (const [name, receive] of Object.entries(receives)) {
  test(`${name} while a batch is open throws, and the batch is not disturbed`, () => {
    using channel = openChannel();
    send(channel.producer, 5);
    const batch = drain(channel.consumer, 3);
    assert.throws(() => receive(channel.consumer), batchOpen);
    assert.equal(batch.length, 3);
    assert.deepEqual(batch.bytes(2).slice(), messageAt(1, 2, 2));
    assert.equal(channel.arena.tail, 0n);
    batch.release();
    assert.equal(channel.consumer.tryReceive()?.typeId, 3);
  });
}

test("many messages share one record towards a consumer that takes that", () => {
  using channel = openChannel();
  const sizes = [0, 1, 7, 8, 9, 40];
  assert.equal(sendMany(channel.producer, sizes, 0xfffffffe), 6);
  assert.equal(channel.arena.view.getUint32(768 + 4, true), 0xffffffff);
  assert.equal(channel.arena.head, 192n);
  sizes.forEach((size, i) => {
    const message = { bytes: messageAt(1, i, size), typeId: 0xfffffffe };
    assert.deepEqual(channel.consumer.tryReceive(), message);
  });
  assert.equal(channel.consumer.tryReceive(), undefined);
});

test("towards a consumer that does not take that, many messages are one record each", () => {
  using memory = new TestArena({ capacity: 65536 });
  const consumer = new PeerConsumer(memory.arena);
  const sizes = Array.from({ length: 100 }, (_, i) => sizeAt(1, i, 0, 100));
  assert.equal(sendMany(memory.producer(), sizes, 3), 100);
  sizes.forEach((size, i) => {
    const received = consumer.tryReceive();
    assert.equal(received?.via, "ring");
    assert.equal(received.typeId, 3);
    assert.deepEqual(received.bytes, messageAt(1, i, size));
  });
  assert.equal(consumer.tryReceive(), undefined);
});

test("no messages at all are sent as such", () => {
  using channel = openChannel();
  assert.equal(sendMany(channel.producer, []), 0);
  assert.equal(channel.arena.head, 0n);
  assert.equal(channel.producer.stats().full, 0);
});

for (const takesPacked of [true, false]) {
  test(`what of many messages does not fit is left out, ${takesPacked ? "packed" : "unpacked"}`, () => {
    using memory = new TestArena();
    const consumer = new PeerConsumer(memory.arena, { packed: takesPacked });
    const producer = memory.producer();
    const sizes = Array.from({ length: 500 }, (_, i) => sizeAt(2, i, 0, 60));
    let [sent, received, packed] = [0, 0, 0];
    while (received < 500) {
      const rest = Buffer.concat(sizes.slice(sent).map((size, i) => messageAt(1, sent + i, size)));
      const count = producer.trySendMany(rest, Uint32Array.from(sizes.slice(sent)));
      assert.ok(count > 0 && count < 500, `${count} were sent`);
      sent += count;
      assert.equal(producer.stats().messages, sent);
      for (let message = consumer.tryReceive(); message; message = consumer.tryReceive()) {
        assert.deepEqual(message.bytes, messageAt(1, received, sizes[received] as number));
        if (message.via === "packed") packed++;
        received++;
      }
      assert.equal(received, sent);
    }
    assert.equal(packed > 400, takesPacked);
  });
}

test("of many messages as many are sent as there is room for, though all would share a record", () => {
  using channel = openChannel();
  const { producer } = channel;
  for (let i = 0; i < 3; i++) producer.trySend(new Uint8Array(960));
  // A record of 1024 bytes is left: a header line, and entries of 40 bytes.
  assert.equal(sendMany(producer, Array(50).fill(30)), 24);
  assert.equal(producer.trySend(new Uint8Array(0)), false);
});

test("a drain that stops inside a packed record releases it with its last message", () => {
  using channel = openChannel();
  const { producer, consumer, arena } = channel;
  sendMany(producer, [10, 20, 30]);
  drain(consumer, 2).release();
  assert.equal(arena.tail, 0n);
  assert.equal(consumer.stats().queued, 192);
  using batch = drain(consumer, 2);
  assert.equal(batch.length, 1);
  assert.deepEqual(batch.bytes(0).slice(), messageAt(1, 2, 30));
  batch.release();
  assert.equal(arena.tail, 192n);
});

test("a packed record that a drain left half-way is received by copying, and the reverse", () => {
  using channel = openChannel();
  sendMany(channel.producer, [1, 2, 3, 4]);
  drain(channel.consumer, 1).release();
  assert.deepEqual(channel.consumer.tryReceive()?.bytes, messageAt(1, 1, 2));
  using batch = drain(channel.consumer);
  assert.deepEqual([batch.length, batch.size(0), batch.size(1)], [2, 3, 4]);
});

test("closing the consumer under an open batch finishes it", () => {
  using channel = openChannel();
  send(channel.producer, 1);
  const batch = drain(channel.consumer);
  channel.consumer.close();
  assert.throws(() => batch.length, closed);
  assert.throws(() => batch.memory, closed);
  batch.release();
  assert.equal(channel.arena.state, 3);
});
