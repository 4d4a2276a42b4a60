/** Rules of the wire that both ends keep in shared memory, one step at a time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arena } from "../peer/arena.ts";
import { Consumer as PeerConsumer } from "../peer/consumer.ts";
import { messageAt } from "../peer/content.ts";
import { Producer as PeerProducer } from "../peer/producer.ts";
import { openChannel, TestArena } from "../support/in-thread.ts";

const laneOf = (arena: Arena) => Buffer.from(arena.bytes.slice(136, 192)).toString("hex");

test("a slot of which less is committed makes a record that holds it", () => {
  using channel = openChannel();
  const slot = channel.producer.tryClaim(1000);
  slot?.bytes.set(messageAt(1, 0, 1000));
  slot?.commit(5, 9);
  const { view } = channel.arena;
  assert.deepEqual([view.getUint32(768, true), view.getUint32(772, true)], [5, 9]);
  const reserved = view.getUint32(776, true);
  assert.ok(reserved >= 128 && reserved % 64 === 0, `reserved ${reserved}`);
  assert.equal(channel.arena.head, BigInt(reserved));
});

test("the lane is left alone by larger messages and by several at once", () => {
  using channel = openChannel();
  const { producer, arena } = channel;
  producer.trySend(new Uint8Array(8));
  const lane = laneOf(arena);
  producer.trySend(new Uint8Array(33));
  producer.tryClaim(8)?.stage();
  producer.trySend(new Uint8Array(8));
  producer.tryClaim(8)?.stage();
  producer.tryClaim(8)?.commit();
  producer.trySendMany(new Uint8Array(8), Uint32Array.of(4, 4));
  assert.equal(laneOf(arena), lane);
  assert.notEqual(arena.laneHead, arena.head);
});

test("a foreign record of the packed type is an ordinary message", () => {
  using memory = new TestArena();
  const producer = new PeerProducer(memory.arena);
  const consumer = memory.consumer();
  for (const bytes of [messageAt(1, 0, 20), messageAt(1, 1, 200)]) {
    producer.trySend(bytes, 0xffffffff);
    assert.deepEqual(consumer.tryReceive(), { bytes, typeId: 0xffffffff });
  }
});

test("a record that reserves more than it holds is walked by what it reserves", () => {
  using memory = new TestArena();
  const producer = new PeerProducer(memory.arena);
  const consumer = memory.consumer();
  producer.tryStage(messageAt(1, 0, 5), 1, 0n, 1024);
  producer.tryStage(messageAt(1, 1, 6), 2);
  producer.publish();
  assert.deepEqual(consumer.tryReceive(), { bytes: messageAt(1, 0, 5), typeId: 1 });
  assert.deepEqual(consumer.tryReceive(), { bytes: messageAt(1, 1, 6), typeId: 2 });
});

test("tail is stored with every 32nd record, with a quarter of the ring, and when nothing is left", () => {
  using memory = new TestArena({ capacity: 65536 });
  const { arena } = memory;
  const producer = new PeerProducer(arena);
  const consumer = memory.consumer();
  for (let i = 0; i < 33; i++) producer.trySend(new Uint8Array(0));
  for (let i = 0; i < 31; i++) consumer.tryReceive();
  assert.equal(arena.tail, 0n);
  consumer.tryReceive();
  assert.equal(arena.tail, 32n * 64n);
  consumer.tryReceive();
  assert.equal(arena.tail, 32n * 64n);
  assert.equal(consumer.tryReceive(), undefined);
  assert.equal(arena.tail, 33n * 64n);
  producer.trySend(new Uint8Array(16384));
  consumer.tryReceive();
  assert.equal(arena.tail, 33n * 64n + 16384n + 64n);
});

test("both counters go on from where they stood when an end opened", () => {
  for (const start of [4096n * 7n + 64n, 2n ** 32n - 128n, 2n ** 53n - 128n]) {
    using channel = openChannel({ start });
    const { producer, consumer, arena } = channel;
    producer.trySend(messageAt(1, 0, 33), 1);
    assert.equal(arena.head, start + 128n);
    assert.deepEqual(consumer.tryReceive(), { bytes: messageAt(1, 0, 33), typeId: 1 });
    assert.equal(consumer.tryReceive(), undefined);
    assert.equal(arena.tail, start + 128n);
    producer.trySend(messageAt(1, 1, 8), 2);
    assert.equal(arena.laneHead, start + 256n);
    assert.equal(consumer.tryReceive()?.typeId, 2);
  }
});

test("a consumer that takes a channel over goes on behind what was released", () => {
  using memory = new TestArena();
  const producer = memory.producer();
  for (let i = 0; i < 4; i++) producer.trySend(messageAt(1, i, 10), i);
  const peer = new PeerConsumer(memory.arena);
  assert.equal(peer.tryReceive()?.typeId, 0);
  peer.release();
  const consumer = memory.consumer();
  for (let i = 1; i < 4; i++) {
    assert.deepEqual(consumer.tryReceive(), { bytes: messageAt(1, i, 10), typeId: i });
  }
});
