/** The calls that return promises, both ends in one thread: what they resolve to, in which order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Consumer, Producer } from "../../src/index.ts";
import { messageAt } from "../peer/content.ts";
import { Producer as PeerProducer } from "../peer/producer.ts";
import { producerLies } from "../peer/running-lies.ts";
import { states } from "../peer/wire.ts";
import { openChannel, TestArena } from "../support/in-thread.ts";
import { assertTimesOut, block, isPending, rejection, within } from "../support/promises.ts";

const closed = { name: "ClosedError", code: "ERR_ZEROCROSS_CLOSED" };
const peerClosed = { name: "PeerClosedError", code: "ERR_ZEROCROSS_PEER_CLOSED" };
const slotOpen = { code: "ERR_ZEROCROSS_SLOT_OPEN" };
const batchOpen = { code: "ERR_ZEROCROSS_BATCH_OPEN" };
const spins: Record<string, number> = { sleeping: 0, default: 50, spinning: Infinity };
const bounds = { timeout: 20_000 };

/** Fills a ring of 4096 bytes, with four messages of types 0 to 3. */
function fill(producer: Producer): void {
  for (let i = 0; i < 4; i++) assert.ok(producer.trySend(new Uint8Array(960), i));
}

/** Lets the loop find out that there is nothing, and go to sleep where it does. */
const settle = () => isPending(new Promise(() => {}), 20);

/** Every way to receive, as the message that it came to. */
const receives: Record<string, (consumer: Consumer) => Promise<unknown>> = {
  receive: (consumer) => consumer.receive(),
  drain: async (consumer) => {
    using batch = await consumer.drain(1);
    return batch && { bytes: batch.bytes(0).slice(), typeId: batch.typeId(0) };
  },
  "for await": async (consumer) => {
    for await (const message of consumer) return message;
    return null;
  },
};

const sends: Record<string, (producer: Producer, size: number, typeId: number) => Promise<void>> = {
  send: (producer, size, typeId) => producer.send(messageAt(1, typeId, size), typeId),
  claim: async (producer, size, typeId) => {
    const slot = await producer.claim(size);
    slot.bytes.set(messageAt(1, typeId, size));
    slot.commit(size, typeId);
  },
};

for (const [policy, spin] of Object.entries(spins)) {
  for (const [name, receive] of Object.entries(receives)) {
    test(
      `${name} (${policy}) resolves with what is there, what comes, and null at the end`,
      bounds,
      async () => {
        using memory = new TestArena();
        const consumer = memory.consumer({ spin });
        const producer = memory.producer();
        producer.trySend(Uint8Array.of(1), 0xfffffffe);
        const first = await within(receive(consumer));
        assert.deepEqual(first, { bytes: Uint8Array.of(1), typeId: 0xfffffffe });
        for (let i = 0; i < 3; i++) {
          const later = receive(consumer);
          assert.ok(await isPending(later));
          producer.trySend(messageAt(1, i, 3 * i), i);
          assert.deepEqual(await within(later), { bytes: messageAt(1, i, 3 * i), typeId: i });
        }
        const last = receive(consumer);
        assert.ok(await isPending(last));
        producer.close();
        assert.equal(await within(last), null);
        assert.equal(await within(receive(consumer)), null);
      },
    );
  }

  for (const [name, send] of Object.entries(sends)) {
    test(
      `${name} (${policy}) resolves at once while there is room, and then when there is some`,
      bounds,
      async () => {
        using memory = new TestArena();
        const producer = memory.producer({ spin });
        const consumer = memory.consumer();
        for (let i = 0; i < 4; i++) await within(send(producer, 960, i));
        const later = send(producer, 500, 4);
        assert.ok(await isPending(later));
        for (let i = 0; i < 4; i++) assert.equal(consumer.tryReceive()?.typeId, i);
        assert.equal(consumer.tryReceive(), undefined);
        await within(later);
        assert.deepEqual(consumer.tryReceive(), { bytes: messageAt(1, 4, 500), typeId: 4 });
        await within(send(producer, 0, 5));
        assert.deepEqual(consumer.tryReceive(), { bytes: new Uint8Array(0), typeId: 5 });
      },
    );
  }
}

test(
  "large messages go through the promises, one after the other filling most of the ring",
  bounds,
  async () => {
    using channel = openChannel({ capacity: 65536 });
    const { producer, consumer } = channel;
    const sizes = [4096, 4097, producer.maxMessageSize, 0, 20_000, producer.maxMessageSize, 1];
    const sending = Promise.all(sizes.map((size, i) => producer.send(messageAt(2, i, size), i)));
    for (const [i, size] of sizes.entries()) {
      const message = await within(consumer.receive());
      assert.equal(message?.typeId, i);
      assert.equal(Buffer.compare(message.bytes, messageAt(2, i, size)), 0, `message ${i}`);
    }
    await within(sending);
  },
);

test(
  "pending receives are answered in their order, whichever forms they have",
  bounds,
  async () => {
    for (const spin of Object.values(spins)) {
      using memory = new TestArena();
      const consumer = memory.consumer({ spin });
      const producer = memory.producer();
      const order: number[] = [];
      const calls = Array.from({ length: 200 }, async (_, i) => {
        const message = await consumer.receive();
        order.push(i);
        return message?.bytes[0];
      });
      await settle();
      for (let i = 0; i < 200; i++) {
        await producer.send(Uint8Array.of(i));
        if (i % 50 === 49) await settle();
      }
      const numbers = Array.from({ length: 200 }, (_, i) => i);
      assert.deepEqual(await within(Promise.all(calls)), numbers);
      assert.deepEqual(order, numbers);
    }
  },
);

test(
  "a call does not overtake those that wait, when what they wait for has just come",
  bounds,
  async () => {
    using channel = openChannel();
    const { producer, consumer } = channel;
    const receives = [consumer.receive()];
    assert.ok(await isPending(Promise.race(receives)));
    for (let i = 0; i < 3; i++) producer.trySend(new Uint8Array(0), i);
    receives.push(consumer.receive(), consumer.receive());
    const received = await within(Promise.all(receives));
    assert.deepEqual(
      received.map((message) => message?.typeId),
      [0, 1, 2],
    );
    while (producer.trySend(new Uint8Array(0)));
    const sends = [producer.send(new Uint8Array(0), 10)];
    assert.ok(await isPending(Promise.race(sends)));
    consumer.tryDrain()?.release();
    sends.push(producer.send(new Uint8Array(0), 11));
    await within(Promise.all(sends));
    assert.deepEqual([consumer.tryReceive()?.typeId, consumer.tryReceive()?.typeId], [10, 11]);
  },
);

test(
  "pending sends of any size keep their order, though a later one would fit earlier",
  bounds,
  async () => {
    for (const spin of Object.values(spins)) {
      using memory = new TestArena();
      const producer = memory.producer({ spin });
      const consumer = memory.consumer();
      fill(producer);
      const sizes = [1900, 0, 960, 8, 1900, 0];
      const sends = sizes.map((size, i) => producer.send(new Uint8Array(size), 4 + i));
      assert.ok(await isPending(Promise.race(sends)));
      for (let i = 0; i < 4 + sizes.length; i++) {
        const message = await within(consumer.receive());
        assert.equal(message?.typeId, i);
      }
      await within(Promise.all(sends));
    }
  },
);

test(
  "a send that waits does not look past the first: what would fit behind it waits too",
  bounds,
  async () => {
    using memory = new TestArena();
    const producer = memory.producer();
    const consumer = memory.consumer();
    fill(producer);
    const large = producer.send(new Uint8Array(1900), 4);
    const small = producer.send(new Uint8Array(8), 5);
    consumer.tryDrain(1)?.release();
    // There is room for the small one by now.
    assert.ok(await isPending(small));
    assert.ok(await isPending(large));
    for (let i = 1; i < 6; i++) assert.equal((await within(consumer.receive()))?.typeId, i);
    await within(Promise.all([large, small]));
  },
);

test("the order of sends holds through a turn of the loop that is over", bounds, async () => {
  using channel = openChannel({ capacity: 65536 });
  const { producer, consumer } = channel;
  const sends: Promise<void>[] = [];
  for (let i = 0; i < 100; i++) {
    sends.push(producer.send(new Uint8Array(8), i));
    if (i % 10 === 5) block(2);
  }
  await within(Promise.all(sends));
  for (let i = 0; i < 100; i++) assert.equal(consumer.tryReceive()?.typeId, i);
});

test("a second claim is refused while a slot is open, and so are sends", bounds, async () => {
  using channel = openChannel();
  const slot = await within(channel.producer.claim(8));
  await assert.rejects(within(channel.producer.claim(8)), slotOpen);
  await assert.rejects(within(channel.producer.send(new Uint8Array(8))), slotOpen);
  slot.commit(8, 3);
  await within(channel.producer.send(new Uint8Array(8), 4));
  assert.equal((await within(channel.consumer.receive()))?.typeId, 3);
  assert.equal((await within(channel.consumer.receive()))?.typeId, 4);
});

test("a second drain is refused while a batch is open, and so are receives", bounds, async () => {
  using channel = openChannel();
  for (let i = 0; i < 3; i++) channel.producer.trySend(Uint8Array.of(i));
  const batch = await within(channel.consumer.drain(2));
  assert.equal(batch?.length, 2);
  await assert.rejects(within(channel.consumer.drain()), batchOpen);
  await assert.rejects(within(channel.consumer.receive()), batchOpen);
  batch.release();
  assert.equal((await within(channel.consumer.receive()))?.bytes[0], 2);
});

test(
  "drain resolves with everything that is there, up to the most that was asked for",
  bounds,
  async () => {
    using channel = openChannel();
    for (let i = 0; i < 5; i++) channel.producer.trySend(Uint8Array.of(i));
    using first = await within(channel.consumer.drain(3));
    assert.equal(first?.length, 3);
    first.release();
    using rest = await within(channel.consumer.drain());
    assert.deepEqual(
      [...(rest ?? [])].map(({ bytes }) => bytes[0]),
      [3, 4],
    );
  },
);

for (const [name, receive] of Object.entries(receives)) {
  test(
    `closing a consumer rejects a pending ${name} with a ClosedError, and every later one`,
    bounds,
    async () => {
      for (const spin of Object.values(spins)) {
        using memory = new TestArena();
        const consumer = memory.consumer({ spin });
        memory.producer();
        const pending = [receive(consumer), receive(consumer)];
        assert.ok(await isPending(Promise.race(pending)));
        consumer.close();
        await Promise.all(pending.map((call) => assert.rejects(within(call), closed)));
        await assert.rejects(within(receive(consumer)), closed);
        // Also in a turn of the loop that is over, where nothing is attempted at once.
        await receive(consumer).catch(() => {});
        block(2);
        await assert.rejects(within(receive(consumer)), closed);
      }
    },
  );
}

for (const [name, send] of Object.entries(sends)) {
  test(
    `closing a producer rejects a pending ${name} with a ClosedError, and every later one`,
    bounds,
    async () => {
      for (const spin of Object.values(spins)) {
        using memory = new TestArena();
        const producer = memory.producer({ spin });
        memory.consumer();
        fill(producer);
        const before = memory.arena.head;
        const pending = [send(producer, 8, 4), send(producer, 8, 5)];
        assert.ok(await isPending(Promise.race(pending)));
        producer.close();
        await Promise.all(pending.map((call) => assert.rejects(within(call), closed)));
        await assert.rejects(within(send(producer, 8, 6)), closed);
        assert.equal(memory.arena.head, before);
      }
    },
  );

  test(
    `a consumer that closes rejects a pending ${name} with a PeerClosedError`,
    bounds,
    async () => {
      for (const spin of Object.values(spins)) {
        using memory = new TestArena();
        const producer = memory.producer({ spin });
        const consumer = memory.consumer();
        fill(producer);
        const pending = [send(producer, 8, 4), send(producer, 8, 5)];
        assert.ok(await isPending(Promise.race(pending)));
        consumer.close();
        await Promise.all(pending.map((call) => assert.rejects(within(call), peerClosed)));
        await assert.rejects(within(send(producer, 8, 6)), peerClosed);
      }
    },
  );
}

test(
  "a peer that gives the channel up rejects what waits with a CorruptError",
  bounds,
  async () => {
    for (const spin of Object.values(spins)) {
      using memory = new TestArena();
      const consumer = memory.consumer({ spin });
      const producer = memory.producer({ spin });
      fill(producer);
      const sending = producer.send(new Uint8Array(8));
      sending.catch(() => {});
      for (let i = 0; i < 2; i++) await within(consumer.receive());
      await settle();
      memory.arena.state = states.fatal;
      for (let i = 0; i < 2; i++)
        assert.equal((await within(consumer.receive()))?.bytes.length, 960);
      await settle();
      await within(sending).catch((error) => assert.equal(error.name, "CorruptError"));
      await assert.rejects(within(producer.send(new Uint8Array(8))), { name: "CorruptError" });
    }
  },
);

test(
  "every lie of a producer rejects the pending receive, behind the good messages",
  bounds,
  async () => {
    for (const [name, lie] of Object.entries(producerLies)) {
      using memory = new TestArena();
      const consumer = memory.consumer();
      const producer = new PeerProducer(memory.arena);
      const calls = Array.from({ length: 4 }, () => consumer.receive());
      for (const call of calls) call.catch(() => {});
      for (let i = 0; i < 3; i++) assert.ok(producer.trySend(messageAt(3, i, 32)));
      for (let i = 0; i < 3; i++) {
        assert.deepEqual(
          (await within(calls[i] as Promise<{ bytes: Uint8Array }>)).bytes,
          messageAt(3, i, 32),
        );
      }
      lie(producer);
      const error = (await rejection(calls[3] as Promise<unknown>)) as Error;
      assert.equal(error.name, "CorruptError", name);
      assert.equal(memory.arena.state, states.fatal);
      await assert.rejects(within(consumer.receive()), { name: "CorruptError" });
    }
  },
);

test("a receive that waits takes the word of the sleeper back when it ends", bounds, async () => {
  using memory = new TestArena();
  const consumer = memory.consumer({ spin: 0 });
  const producer = memory.producer({ spin: 0 });
  const receiving = consumer.receive();
  while (memory.arena.consumerSleeping !== 1) await settle();
  producer.trySend(new Uint8Array(1));
  await within(receiving);
  assert.equal(memory.arena.consumerSleeping, 0);
  await assertTimesOut((timeout) => consumer.receive({ timeout }), 30);
  assert.equal(memory.arena.consumerSleeping, 0);
  while (producer.trySend(new Uint8Array(960)));
  const sending = producer.send(new Uint8Array(960));
  while (memory.arena.producerParked !== 1) await settle();
  await within(consumer.receive());
  using batch = await within(consumer.drain());
  batch?.release();
  await within(sending);
  assert.equal(memory.arena.producerParked, 0);
});
