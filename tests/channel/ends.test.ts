/** How a channel ends when one side closes it, both ends in one thread. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Consumer, Producer } from "../../src/index.ts";
import { messageAt } from "../peer/content.ts";
import { openChannel } from "../support/in-thread.ts";

const closed = { name: "ClosedError", code: "ERR_ZEROCROSS_CLOSED" };
const peerClosed = { name: "PeerClosedError", code: "ERR_ZEROCROSS_PEER_CLOSED" };

const into = new Uint8Array(4096);

/** Every way to receive. Each answers the message's size, or what it answers at the end. */
const receives: Record<string, { receive: (consumer: Consumer) => unknown; end: unknown }> = {
  tryReceive: { receive: (consumer) => consumer.tryReceive()?.bytes.length ?? null, end: null },
  receiveSync: {
    receive: (consumer) => consumer.receiveSync({ timeout: 1000 })?.bytes.length ?? null,
    end: null,
  },
  tryReceiveInto: { receive: (consumer) => consumer.tryReceiveInto(into), end: -2 },
  receiveIntoSync: {
    receive: (consumer) => consumer.receiveIntoSync(into, { timeout: 1000 }),
    end: -2,
  },
  tryDrain: { receive: (consumer) => sizeOf(consumer.tryDrain(1)), end: null },
  drainSync: { receive: (consumer) => sizeOf(consumer.drainSync(1, { timeout: 1000 })), end: null },
};

function sizeOf(batch: ReturnType<Consumer["tryDrain"]>): unknown {
  if (!batch) return batch;
  const size = batch.size(0);
  batch.release();
  return size;
}

const sends: Record<string, (producer: Producer) => unknown> = {
  trySend: (producer) => producer.trySend(new Uint8Array(8)),
  sendSync: (producer) => producer.sendSync(new Uint8Array(8), 0, { timeout: 1000 }),
  trySendMany: (producer) => producer.trySendMany(new Uint8Array(8), Uint32Array.of(8)),
  tryClaim: (producer) => producer.tryClaim(8)?.rollback(),
  claimSync: (producer) => producer.claimSync(8, { timeout: 1000 }).rollback(),
};

for (const [name, { receive, end }] of Object.entries(receives)) {
  test(`after the producer closed ${name} delivers everything, then the end, again and again`, () => {
    using channel = openChannel();
    const { producer, consumer } = channel;
    producer.trySend(messageAt(1, 0, 0));
    producer.trySendMany(new Uint8Array(6), Uint32Array.of(1, 2, 3));
    producer.tryClaim(4)?.stage();
    producer.close();
    for (let size = 0; size <= 4; size++) assert.equal(receive(consumer), size);
    for (let i = 0; i < 50; i++) assert.equal(receive(consumer), end);
  });

  test(`${name} on a consumer that is closed throws`, () => {
    using channel = openChannel();
    channel.producer.trySend(new Uint8Array(8));
    channel.consumer.close();
    for (let i = 0; i < 3; i++) assert.throws(() => receive(channel.consumer), closed);
  });
}

for (const [name, send] of Object.entries(sends)) {
  test(`after the consumer closed ${name} throws, again and again`, () => {
    using channel = openChannel();
    send(channel.producer);
    channel.consumer.close();
    for (let i = 0; i < 50; i++) assert.throws(() => send(channel.producer), peerClosed);
  });

  test(`after the consumer closed ${name} throws also when the ring is full`, () => {
    using channel = openChannel();
    while (channel.producer.trySend(new Uint8Array(100)));
    channel.consumer.close();
    assert.throws(() => send(channel.producer), peerClosed);
  });

  test(`${name} on a producer that is closed throws`, () => {
    using channel = openChannel();
    channel.producer.close();
    for (let i = 0; i < 3; i++) assert.throws(() => send(channel.producer), closed);
  });
}

test("flush, stats and lastTypeId throw once their end is closed", () => {
  using channel = openChannel();
  channel.producer.close();
  channel.consumer.close();
  assert.throws(() => channel.producer.flush(), closed);
  assert.throws(() => channel.producer.stats(), closed);
  assert.throws(() => channel.consumer.stats(), closed);
  assert.throws(() => channel.consumer.lastTypeId, closed);
});

test("what an end knew when it was opened it still knows when it is closed", () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  const known = [producer.peer, producer.capacity, producer.maxMessageSize];
  producer.close();
  consumer.close();
  for (const end of [producer, consumer]) {
    assert.deepEqual([end.peer, end.capacity, end.maxMessageSize], known);
  }
});

for (const first of ["producer", "consumer"] as const) {
  test(`a ${first} that closes sets the state to 3, and closing again changes nothing`, () => {
    using channel = openChannel();
    const { arena } = channel;
    assert.equal(arena.state, 2);
    channel[first].close();
    assert.equal(arena.state, 3);
    const after = arena.bytes.slice();
    channel[first].close();
    channel[first][Symbol.dispose]();
    assert.deepEqual(arena.bytes.slice(), after);
    channel[first === "producer" ? "consumer" : "producer"].close();
    assert.equal(arena.state, 3);
  });
}

test("an end is closed when its block is left", () => {
  using channel = openChannel();
  {
    using producer = channel.producer;
    producer.trySend(new Uint8Array(3));
  }
  assert.equal(channel.arena.state, 3);
  assert.equal(channel.consumer.tryReceive()?.bytes.length, 3);
  assert.equal(channel.consumer.tryReceive(), null);
});

test("a closed end says what was being done, to which path, and what to do", () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  producer.close();
  const message = /^sending 8 bytes \(@zerocross-.*\): this end is closed\. Open a new channel/;
  assert.throws(() => producer.trySend(new Uint8Array(8)), { ...closed, message });
  consumer.close();
  const receiving = /^receiving \(@zerocross-.*\): this end is closed\. Open a new channel/;
  assert.throws(() => consumer.tryReceive(), { ...closed, message: receiving });
});
