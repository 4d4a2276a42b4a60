/** Writing in place: a slot is claimed, then committed, staged or rolled back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Producer, Slot } from "../../src/index.ts";
import { Consumer as PeerConsumer } from "../peer/consumer.ts";
import { messageAt } from "../peer/content.ts";
import { openChannel, TestArena } from "../support/in-thread.ts";

const closed = { name: "ClosedError", code: "ERR_ZEROCROSS_CLOSED" };
const slotOpen = { name: "ZerocrossError", code: "ERR_ZEROCROSS_SLOT_OPEN" };

function claim(producer: Producer, size: number): Slot {
  const slot = producer.tryClaim(size);
  assert.ok(slot, "the ring is full");
  return slot;
}

function stage(producer: Producer, typeId: number): void {
  claim(producer, 8).stage(8, typeId);
}

test("a slot is as long as was claimed, lies in shared memory and is seen once it is committed", () => {
  using channel = openChannel();
  const slot = claim(channel.producer, 100);
  assert.equal(slot.bytes.length, 100);
  slot.bytes.set(messageAt(1, 0, 100));
  assert.deepEqual(channel.arena.ring.slice(64, 164), messageAt(1, 0, 100));
  assert.equal(channel.arena.head, 0n);
  assert.equal(channel.consumer.tryReceive(), undefined);
  slot.commit(100, 7);
  assert.equal(channel.arena.head, 192n);
  const message = { bytes: messageAt(1, 0, 100), typeId: 7 };
  assert.deepEqual(channel.consumer.tryReceive(), message);
});

test("commit without arguments publishes all of the slot with type 0", () => {
  using channel = openChannel();
  claim(channel.producer, 33).commit();
  const message = channel.consumer.tryReceive();
  assert.equal(message?.bytes.length, 33);
  assert.equal(message.typeId, 0);
});

for (const committed of [0, 1, 32, 33, 1000, 1984]) {
  test(`of 1984 bytes claimed ${committed} are committed, and the next message follows`, () => {
    using channel = openChannel();
    for (let round = 0; round < 20; round++) {
      const slot = claim(channel.producer, 1984);
      slot.bytes.set(messageAt(2, round, 1984));
      slot.commit(committed, round);
      const bytes = messageAt(2, round, 1984).slice(0, committed);
      assert.deepEqual(channel.consumer.tryReceive(), { bytes, typeId: round });
      assert.equal(channel.producer.trySend(Uint8Array.of(round)), true);
      assert.deepEqual(channel.consumer.tryReceive()?.bytes, Uint8Array.of(round));
      assert.equal(channel.consumer.tryReceive(), undefined);
    }
  });
}

test("a rollback leaves the shared memory as it was", () => {
  using channel = openChannel();
  const { producer, consumer, arena } = channel;
  // Such that the next claim would have to skip the end of the ring.
  for (let i = 0; i < 2; i++) producer.trySend(messageAt(3, i, 1900));
  for (let i = 0; i < 2; i++) consumer.tryReceive();
  stage(producer, 1);
  const before = arena.bytes.slice();
  claim(producer, 1000).rollback();
  assert.deepEqual(arena.bytes.slice(), before);
  assert.equal(producer.stats().messages, 3);
  const slot = claim(producer, 40);
  slot.bytes.fill(0xee);
  slot.rollback();
  assert.equal(arena.head, 3968n, "nothing was published");
  producer.flush();
  assert.equal(consumer.tryReceive()?.typeId, 1);
  assert.equal(consumer.tryReceive(), undefined);
});

test("a slot that is not finished is rolled back when its block is left", () => {
  using channel = openChannel();
  {
    using slot = claim(channel.producer, 10);
    slot.bytes.fill(1);
  }
  {
    using slot = claim(channel.producer, 10);
    slot.commit(10, 5);
  }
  assert.equal(channel.consumer.tryReceive()?.typeId, 5);
  assert.equal(channel.consumer.tryReceive(), undefined);
});

const finishes: Record<string, (slot: Slot) => void> = {
  commit: (slot) => slot.commit(),
  stage: (slot) => slot.stage(),
  rollback: (slot) => slot.rollback(),
};

for (const [name, finish] of Object.entries(finishes)) {
  test(`after ${name} a slot is finished: no bytes, and every call throws`, () => {
    using channel = openChannel();
    const slot = claim(channel.producer, 16);
    const view = slot.bytes;
    finish(slot);
    assert.equal(slot.bytes.length, 0);
    for (const again of Object.values(finishes)) assert.throws(() => again(slot), closed);
    slot[Symbol.dispose]();
    assert.equal(view.length, 16, "a view that was kept stays a view");
    assert.equal(channel.producer.stats().messages, name === "rollback" ? 0 : 1);
  });
}

const sends: Record<string, (producer: Producer) => void> = {
  tryClaim: (producer) => producer.tryClaim(1),
  claimSync: (producer) => producer.claimSync(1, { timeout: 100 }),
  trySend: (producer) => producer.trySend(new Uint8Array(1)),
  sendSync: (producer) => producer.sendSync(new Uint8Array(1), 0, { timeout: 100 }),
  trySendMany: (producer) => producer.trySendMany(new Uint8Array(1), Uint32Array.of(1)),
};

for (const [name, send] of Object.entries(sends)) {
  test(`${name} while a slot is open throws, and the slot can still be committed`, () => {
    using channel = openChannel();
    const slot = claim(channel.producer, 4);
    slot.bytes.set([1, 2, 3, 4]);
    assert.throws(() => send(channel.producer), slotOpen);
    slot.commit(4, 6);
    const message = { bytes: Uint8Array.of(1, 2, 3, 4), typeId: 6 };
    assert.deepEqual(channel.consumer.tryReceive(), message);
    assert.equal(channel.consumer.tryReceive(), undefined);
  });
}

test("staged messages are seen with the 32nd, none before", () => {
  using channel = openChannel({ capacity: 65536 });
  for (let i = 0; i < 31; i++) stage(channel.producer, i);
  assert.equal(channel.arena.head, 0n);
  assert.equal(channel.consumer.tryReceive(), undefined);
  stage(channel.producer, 31);
  assert.equal(channel.arena.head, 32n * 128n);
  for (let i = 0; i < 32; i++) assert.equal(channel.consumer.tryReceive()?.typeId, i);
  stage(channel.producer, 32);
  assert.equal(channel.consumer.tryReceive(), undefined);
});

const publications: Record<string, { publish: (producer: Producer) => void; more: number }> = {
  flush: { publish: (producer) => producer.flush(), more: 0 },
  "a commit": { publish: (producer) => claim(producer, 8).commit(8, 3), more: 1 },
  "a small trySend": { publish: (producer) => producer.trySend(new Uint8Array(8), 3), more: 1 },
  "a large trySend": { publish: (producer) => producer.trySend(new Uint8Array(99), 3), more: 1 },
  "a sendSync": { publish: (producer) => producer.sendSync(new Uint8Array(8), 3), more: 1 },
  "a trySendMany": {
    publish: (producer) => producer.trySendMany(new Uint8Array(8), Uint32Array.of(4, 4), 3),
    more: 2,
  },
  close: { publish: (producer) => producer.close(), more: 0 },
};

for (const [name, { publish, more }] of Object.entries(publications)) {
  test(`${name} publishes what was staged before it, in order`, () => {
    using channel = openChannel();
    for (let i = 0; i < 3; i++) stage(channel.producer, i);
    assert.equal(channel.consumer.tryReceive(), undefined);
    publish(channel.producer);
    for (let i = 0; i < 3; i++) assert.equal(channel.consumer.tryReceive()?.typeId, i);
    for (let i = 0; i < more; i++) assert.equal(channel.consumer.tryReceive()?.typeId, 3);
    assert.ok(!channel.consumer.tryReceive());
  });
}

const attempts: Record<string, (producer: Producer) => unknown> = {
  tryClaim: (producer) => producer.tryClaim(1000),
  trySend: (producer) => producer.trySend(new Uint8Array(1000)) || undefined,
  trySendMany: (producer) =>
    producer.trySendMany(new Uint8Array(1000), Uint32Array.of(1000)) || undefined,
};

for (const [name, attempt] of Object.entries(attempts)) {
  test(`${name} that finds the ring full publishes what is staged, so that room can come`, () => {
    using channel = openChannel();
    for (let i = 0; i < 3; i++) claim(channel.producer, 1000).stage(1000, i);
    assert.equal(channel.arena.head, 0n);
    assert.equal(attempt(channel.producer), undefined);
    for (let i = 0; i < 3; i++) assert.equal(channel.consumer.tryReceive()?.typeId, i);
    assert.notEqual(attempt(channel.producer), undefined);
  });
}

test("a flush while a slot is open publishes what was staged before it, and not the slot", () => {
  using channel = openChannel();
  stage(channel.producer, 1);
  const slot = claim(channel.producer, 8);
  channel.producer.flush();
  assert.equal(channel.consumer.tryReceive()?.typeId, 1);
  assert.equal(channel.consumer.tryReceive(), undefined);
  slot.commit(8, 2);
  assert.equal(channel.consumer.tryReceive()?.typeId, 2);
});

test("closing under an open slot finishes it, and no message comes of it", () => {
  using memory = new TestArena();
  const consumer = new PeerConsumer(memory.arena);
  const producer = memory.producer();
  const slot = claim(producer, 8);
  producer.close();
  assert.equal(slot.bytes.length, 0);
  for (const finish of Object.values(finishes)) assert.throws(() => finish(slot), closed);
  assert.equal(consumer.tryReceive(), undefined);
});
