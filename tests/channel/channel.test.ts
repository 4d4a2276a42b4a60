/** Sending and receiving copies, both ends in one thread: every form, every size, every answer. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import type { Consumer, Producer } from "../../src/index.ts";
import { messageAt, sizeAt } from "../peer/content.ts";
import { openChannel } from "../support/in-thread.ts";
import { printedSeed } from "../support/seed.ts";

const seed = printedSeed();
const messageMax = 4096 / 2 - 64;
const typeIdMax = 0xfffffffe;

type Send = (producer: Producer, bytes: Uint8Array, typeId: number) => void;
type Receive = (consumer: Consumer, sizeMax: number) => { bytes: Uint8Array; typeId: number };

const sendForms: Record<string, Send> = {
  trySend: (producer, bytes, typeId) => assert.equal(producer.trySend(bytes, typeId), true),
  sendSync: (producer, bytes, typeId) => producer.sendSync(bytes, typeId, { timeout: 1000 }),
  trySendMany: (producer, bytes, typeId) => {
    assert.equal(producer.trySendMany(bytes, Uint32Array.of(bytes.length), typeId), 1);
  },
  tryClaim: (producer, bytes, typeId) => {
    const slot = producer.tryClaim(bytes.length);
    assert.ok(slot);
    slot.bytes.set(bytes);
    slot.commit(bytes.length, typeId);
  },
  claimSync: (producer, bytes, typeId) => {
    const slot = producer.claimSync(bytes.length, { timeout: 1000 });
    slot.bytes.set(bytes);
    slot.stage(bytes.length, typeId);
    producer.flush();
  },
};

const receiveForms: Record<string, Receive> = {
  tryReceive: (consumer) => {
    const message = consumer.tryReceive();
    assert.ok(message);
    return message;
  },
  receiveSync: (consumer) => {
    const message = consumer.receiveSync({ timeout: 1000 });
    assert.ok(message);
    return message;
  },
  tryReceiveInto: (consumer, sizeMax) => {
    const into = new Uint8Array(sizeMax);
    const size = consumer.tryReceiveInto(into);
    assert.ok(size >= 0, `tryReceiveInto answered ${size}`);
    return { bytes: into.subarray(0, size), typeId: consumer.lastTypeId };
  },
  receiveIntoSync: (consumer, sizeMax) => {
    const into = new Uint8Array(sizeMax);
    const size = consumer.receiveIntoSync(into, { timeout: 1000 });
    assert.ok(size >= 0, `receiveIntoSync answered ${size}`);
    return { bytes: into.subarray(0, size), typeId: consumer.lastTypeId };
  },
  tryDrain: (consumer) => {
    using batch = consumer.tryDrain(1);
    assert.equal(batch?.length, 1);
    return { bytes: batch.bytes(0).slice(), typeId: batch.typeId(0) };
  },
  drainSync: (consumer) => {
    using batch = consumer.drainSync(1, { timeout: 1000 });
    assert.equal(batch?.length, 1);
    return { bytes: batch.bytes(0).slice(), typeId: batch.typeId(0) };
  },
};

for (const [sendName, send] of Object.entries(sendForms)) {
  for (const [receiveName, receive] of Object.entries(receiveForms)) {
    test(`${receiveName} gets what ${sendName} sent`, () => {
      using channel = openChannel();
      const { producer, consumer } = channel;
      [0, 1, 7, 8, 31, 32, 33, 63, 64, 65, 1000, messageMax].forEach((size, index) => {
        const bytes = messageAt(seed, index, size);
        const typeId = index === 0 ? typeIdMax : index;
        send(producer, bytes, typeId);
        assert.deepEqual(receive(consumer, messageMax), { bytes, typeId });
      });
    });
  }
}

for (const [name, send] of Object.entries(sendForms)) {
  test(`${name} takes every size from 0 to the maximum, wherever the ring stands`, () => {
    using channel = openChannel();
    const into = new Uint8Array(messageMax);
    for (let size = 0; size <= messageMax; size++) {
      const bytes = messageAt(seed, size, size);
      send(channel.producer, bytes, size);
      assert.equal(channel.consumer.tryReceiveInto(into), size);
      assert.equal(Buffer.compare(into.subarray(0, size), bytes), 0, `size ${size}`);
      assert.equal(channel.consumer.lastTypeId, size);
    }
  });

  test(`${name} refuses one byte more than the maximum, and nothing changes`, () => {
    using channel = openChannel();
    const { producer, consumer, arena } = channel;
    const before = arena.bytes.slice();
    const stats = producer.stats();
    const found = new RegExp(`${messageMax + 1}.*${messageMax}`);
    assert.throws(() => send(producer, new Uint8Array(messageMax + 1), 0), rangeError(found));
    assert.deepEqual(arena.bytes.slice(), before);
    assert.deepEqual(producer.stats(), stats);
    assert.equal(consumer.tryReceive(), undefined);
    send(producer, new Uint8Array(messageMax), 3);
    assert.equal(consumer.tryReceive()?.typeId, 3);
  });
}

/** For `assert.throws`: an error of exactly this kind whose message tells this. */
function rangeError(message: RegExp) {
  return { name: "RangeError", message };
}

test("the type is 0 when none is given, and lastTypeId is 0 before the first message", () => {
  using channel = openChannel();
  assert.equal(channel.consumer.lastTypeId, 0);
  channel.producer.trySend(new Uint8Array(1), 9);
  channel.producer.trySend(new Uint8Array(1));
  assert.equal(channel.consumer.tryReceive()?.typeId, 9);
  assert.equal(channel.consumer.tryReceive()?.typeId, 0);
});

test("an end says who its peer is, how large the ring is and what fits", () => {
  using channel = openChannel({ capacity: 65536 });
  for (const end of [channel.producer, channel.consumer]) {
    assert.equal(end.capacity, 65536);
    assert.equal(end.maxMessageSize, 32704);
    const { getuid, getgid } = process;
    assert.deepEqual({ ...end.peer }, { pid: process.pid, uid: getuid?.(), gid: getgid?.() });
  }
});

test("an empty ring answers undefined or -1", () => {
  using channel = openChannel();
  assert.equal(channel.consumer.tryReceive(), undefined);
  assert.equal(channel.consumer.tryReceiveInto(new Uint8Array(1)), -1);
  assert.equal(channel.consumer.tryDrain(), undefined);
  assert.equal(channel.consumer.stats().empty, 3);
});

test("a full ring answers false, undefined or 0, and has room once the consumer releases", () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  const bytes = messageAt(seed, 0, 960);
  for (let i = 0; i < 4; i++) assert.equal(producer.trySend(bytes, i), true);
  assert.equal(producer.trySend(bytes), false);
  assert.equal(producer.tryClaim(0), undefined);
  assert.equal(producer.trySendMany(bytes, Uint32Array.of(0, 0)), 0);
  assert.equal(producer.stats().full, 3);
  for (let i = 0; i < 4; i++) assert.equal(consumer.tryReceive()?.typeId, i);
  assert.equal(producer.trySend(bytes), true);
});

test("stats count messages, bytes, misses and what is queued", () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  producer.trySend(new Uint8Array(10));
  producer.trySend(new Uint8Array(0));
  producer.trySendMany(new Uint8Array(6), Uint32Array.of(1, 2, 3));
  const sent = { messages: 5, bytes: 16, full: 0, sleeps: 0, queued: 128 + 64 + 128 };
  assert.deepEqual(producer.stats(), sent);
  consumer.tryReceive();
  assert.deepEqual(consumer.stats(), { messages: 1, bytes: 10, empty: 0, sleeps: 0, queued: 192 });
  for (let i = 0; i < 4; i++) consumer.tryReceive();
  assert.equal(consumer.tryReceive(), undefined);
  assert.deepEqual(consumer.stats(), { messages: 5, bytes: 16, empty: 1, sleeps: 0, queued: 0 });
});

test("a received message is the receiver's own", () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  producer.trySend(messageAt(seed, 0, 40));
  const first = consumer.tryReceive();
  for (let i = 1; i < 100; i++) {
    producer.trySend(messageAt(seed, i, 40));
    consumer.tryReceive();
  }
  assert.deepEqual(first?.bytes, messageAt(seed, 0, 40));
});

test("messages larger than the consumer's own buffer are received whole", () => {
  using channel = openChannel({ capacity: 2 ** 20 });
  const { producer, consumer } = channel;
  for (const size of [4095, 4096, 4097, 100_000, producer.maxMessageSize]) {
    const bytes = messageAt(seed, size, size);
    producer.trySend(bytes, size);
    assert.deepEqual(consumer.tryReceive(), { bytes, typeId: size });
    producer.trySend(bytes, size + 1);
    assert.deepEqual(consumer.receiveSync(), { bytes, typeId: size + 1 });
  }
});

// One message in the lane, one in the ring, one in a packed record: three ways to the same answer.
const tooLarge: Record<string, (producer: Producer) => void> = {
  "small and alone": (producer) => producer.trySend(messageAt(seed, 0, 30), 5),
  large: (producer) => producer.trySend(messageAt(seed, 0, 300), 5),
  packed: (producer) => {
    producer.trySendMany(messageAt(seed, 0, 60), Uint32Array.of(30, 30), 5);
  },
};

for (const [name, send] of Object.entries(tooLarge)) {
  test(`a message that is ${name} stays when it does not fit into the buffer`, () => {
    using channel = openChannel();
    const { producer, consumer } = channel;
    producer.trySend(new Uint8Array(0), 1);
    consumer.tryReceive();
    send(producer);
    const size = name === "large" ? 300 : 30;
    const found = rangeError(new RegExp(`${size} bytes.*holds 29`));
    const small = new Uint8Array(29);
    assert.throws(() => consumer.tryReceiveInto(small), found);
    assert.throws(() => consumer.receiveIntoSync(small), found);
    assert.deepEqual([...small], [...new Uint8Array(29)]);
    assert.equal(consumer.lastTypeId, 1);
    assert.equal(consumer.stats().messages, 1);
    const into = new Uint8Array(size);
    assert.equal(consumer.tryReceiveInto(into), size);
    assert.deepEqual(into, messageAt(seed, 0, size));
    assert.equal(consumer.lastTypeId, 5);
  });
}

test("part of a buffer is sent from and received into, and the rest is left alone", () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  for (const size of [1, 5, 32, 33, 500]) {
    const from = messageAt(seed, size, size + 20);
    producer.trySend(from.subarray(7, 7 + size));
    const into = new Uint8Array(size + 20).fill(0xee);
    assert.equal(consumer.tryReceiveInto(into.subarray(3, 3 + size + 1)), size);
    const expected = new Uint8Array(size + 20).fill(0xee);
    expected.set(from.subarray(7, 7 + size), 3);
    assert.deepEqual(into, expected);
  }
});

test("a Buffer and a view of a SharedArrayBuffer are bytes like others", () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  const shared = new Uint8Array(new SharedArrayBuffer(40));
  shared.set(messageAt(seed, 0, 40));
  for (const bytes of [Buffer.from(messageAt(seed, 0, 40)), shared]) {
    producer.trySend(bytes);
    assert.deepEqual(consumer.tryReceive()?.bytes, messageAt(seed, 0, 40));
  }
  producer.trySend(messageAt(seed, 1, 40));
  assert.equal(consumer.tryReceiveInto(shared), 40);
  assert.deepEqual([...shared], [...messageAt(seed, 1, 40)]);
});

for (const start of [0n, 2n ** 32n - 8192n, 2n ** 53n - 8192n]) {
  test(`random messages arrive in order from counters at ${start}`, () => {
    using channel = openChannel({ start });
    const { producer, consumer, arena } = channel;
    const forms = Object.values(receiveForms);
    const queue: Uint8Array[] = [];
    for (let step = 0; step < 5000; step++) {
      const coin = sizeAt(seed, step, 0, forms.length);
      const bytes = messageAt(seed, step, sizeAt(seed, step, 0, step % 5 ? 100 : messageMax));
      const form = forms[coin];
      if (queue.length > 0 && form !== undefined) {
        assert.deepEqual(form(consumer, messageMax).bytes, queue.shift(), `step ${step}`);
      } else if (producer.trySend(bytes)) {
        queue.push(bytes);
      } else if (queue.length === 0) {
        // What is consumed is released when nothing is found, and then everything fits.
        assert.equal(consumer.tryReceive(), undefined);
        assert.equal(producer.trySend(bytes), true, `step ${step}`);
        queue.push(bytes);
      }
    }
    assert.ok(arena.head > start + 100_000n, "the counters went past the start");
  });
}
