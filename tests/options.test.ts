/** A wrong argument is a TypeError or RangeError that says what was found, and changes nothing. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { Consumer, Producer } from "../src/index.ts";
import { temporaryPaths } from "./support/folder.ts";
import { openChannel } from "./support/in-thread.ts";

type Wrong = readonly [value: unknown, name: "TypeError" | "RangeError", message: RegExp];

// What JavaScript lets through and TypeScript would not: `as never` fits every parameter.
const notBytes: Wrong[] = [
  [undefined, "TypeError", /bytes is undefined; expected a Uint8Array/],
  [null, "TypeError", /bytes is null; expected a Uint8Array/],
  ["text", "TypeError", /bytes is "text"; expected a Uint8Array/],
  [[1, 2], "TypeError", /bytes is an object \(Array\); expected a Uint8Array/],
  [new ArrayBuffer(8), "TypeError", /bytes is an object \(ArrayBuffer\); expected a Uint8Array/],
  [new Uint16Array(8), "TypeError", /bytes is an object \(Uint16Array\); expected a Uint8Array/],
  [new DataView(new ArrayBuffer(8)), "TypeError", /bytes is an object \(DataView\)/],
];

const notTypeIds: Wrong[] = [
  ["1", "TypeError", /typeId is "1"; expected a number/],
  [null, "TypeError", /typeId is null; expected a number/],
  [1n, "TypeError", /typeId is 1; expected a number/],
  [-1, "RangeError", /typeId is -1; expected an integer from 0 to 0xFFFFFFFE/],
  [1.5, "RangeError", /typeId is 1.5; expected an integer/],
  [Number.NaN, "RangeError", /typeId is NaN; expected an integer/],
  [0xffffffff, "RangeError", /typeId is 4294967295; expected .*0xFFFFFFFE/],
  [2 ** 32, "RangeError", /typeId is 4294967296; expected an integer/],
];

const notSizes: Wrong[] = [
  [undefined, "TypeError", /size is undefined; expected a number/],
  ["8", "TypeError", /size is "8"; expected a number/],
  [8n, "TypeError", /size is 8; expected a number/],
  [-1, "RangeError", /size is -1; expected whole bytes from 0 to 1984/],
  [0.5, "RangeError", /size is 0.5; expected whole bytes from 0 to 1984/],
  [Number.NaN, "RangeError", /size is NaN; expected whole bytes/],
  [Number.POSITIVE_INFINITY, "RangeError", /size is Infinity; expected whole bytes/],
  [1985, "RangeError", /1985.*1984/],
  [2 ** 32 + 1, "RangeError", /4294967297; expected whole bytes from 0 to 1984/],
];

const notTimeouts: Wrong[] = [
  [-1, "RangeError", /timeout is -1; expected milliseconds, 0 or more/],
  [Number.NaN, "RangeError", /timeout is NaN; expected milliseconds/],
  ["5", "RangeError", /timeout is "5"; expected milliseconds/],
];

const notWaiting: Wrong[] = [
  [5, "TypeError", /waiting is 5; expected an object/],
  [null, "TypeError", /waiting is null; expected an object/],
  ["soon", "TypeError", /waiting is "soon"; expected an object/],
];

/** Every argument of every call, each with all that it must refuse. */
const producerCalls: Record<string, [Wrong[], (end: Producer, wrong: never) => unknown]> = {
  "bytes of trySend": [notBytes, (end, wrong) => end.trySend(wrong)],
  "typeId of trySend": [notTypeIds, (end, wrong) => end.trySend(new Uint8Array(1), wrong)],
  "bytes of sendSync": [notBytes, (end, wrong) => end.sendSync(wrong)],
  "typeId of sendSync": [notTypeIds, (end, wrong) => end.sendSync(new Uint8Array(1), wrong)],
  "waiting of sendSync": [notWaiting, (end, wrong) => end.sendSync(new Uint8Array(1), 0, wrong)],
  "timeout of sendSync": [
    notTimeouts,
    (end, timeout) => end.sendSync(new Uint8Array(1), 0, { timeout }),
  ],
  "bytes of trySendMany": [notBytes, (end, wrong) => end.trySendMany(wrong, Uint32Array.of(1))],
  "typeId of trySendMany": [
    notTypeIds,
    (end, wrong) => end.trySendMany(new Uint8Array(1), Uint32Array.of(1), wrong),
  ],
  "sizes of trySendMany": [
    [
      [undefined, "TypeError", /sizes is undefined; expected a Uint32Array/],
      [[1], "TypeError", /sizes is an object \(Array\); expected a Uint32Array/],
      [new Uint8Array(1), "TypeError", /sizes is an object \(Uint8Array\)/],
      [new Int32Array(1), "TypeError", /sizes is an object \(Int32Array\)/],
      [Uint32Array.of(8, 9), "RangeError", /add up to 17 bytes.*16 were given/],
      [Uint32Array.of(2 ** 31, 2 ** 31), "RangeError", /2147483648.*1984/],
      [Uint32Array.of(1985), "RangeError", /1985.*1984/],
    ],
    (end, wrong) => end.trySendMany(new Uint8Array(16), wrong),
  ],
  "size of tryClaim": [notSizes, (end, wrong) => end.tryClaim(wrong)],
  "size of claimSync": [notSizes, (end, wrong) => end.claimSync(wrong)],
  "waiting of claimSync": [notWaiting, (end, wrong) => end.claimSync(1, wrong)],
  "timeout of claimSync": [notTimeouts, (end, timeout) => end.claimSync(1, { timeout })],
};

for (const [name, [wrongs, call]] of Object.entries(producerCalls)) {
  test(`a wrong ${name} is refused and changes nothing`, () => {
    using channel = openChannel();
    const { producer, consumer, arena } = channel;
    const before = arena.bytes.slice();
    for (const [value, error, message] of wrongs) {
      assert.throws(() => call(producer, value as never), { name: error, message }, String(value));
      assert.deepEqual(arena.bytes.slice(), before, String(value));
    }
    assert.equal(producer.stats().messages, 0);
    producer.trySend(Uint8Array.of(1, 2, 3), 4);
    const message = { bytes: Uint8Array.of(1, 2, 3), typeId: 4 };
    assert.deepEqual(consumer.tryReceive(), message);
  });
}

const notDrainMax: Wrong[] = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32].map(
  (max) => [max, "RangeError", new RegExp(`max is ${max}; expected a whole number`)],
);

const intoWrongs: Wrong[] = notBytes.map(([value, name, message]) => {
  return [value, name, new RegExp(message.source.replace("bytes is", "into is"))];
});

const consumerCalls: Record<string, [Wrong[], (end: Consumer, wrong: never) => unknown]> = {
  "waiting of receiveSync": [notWaiting, (end, wrong) => end.receiveSync(wrong)],
  "timeout of receiveSync": [notTimeouts, (end, timeout) => end.receiveSync({ timeout })],
  "into of tryReceiveInto": [intoWrongs, (end, wrong) => end.tryReceiveInto(wrong)],
  "into of receiveIntoSync": [intoWrongs, (end, wrong) => end.receiveIntoSync(wrong)],
  "waiting of receiveIntoSync": [
    notWaiting,
    (end, wrong) => end.receiveIntoSync(new Uint8Array(9), wrong),
  ],
  "timeout of receiveIntoSync": [
    notTimeouts,
    (end, timeout) => end.receiveIntoSync(new Uint8Array(9), { timeout }),
  ],
  "max of tryDrain": [notDrainMax, (end, wrong) => end.tryDrain(wrong)],
  "max of drainSync": [notDrainMax, (end, wrong) => end.drainSync(wrong)],
  "waiting of drainSync": [notWaiting, (end, wrong) => end.drainSync(1, wrong)],
  "timeout of drainSync": [notTimeouts, (end, timeout) => end.drainSync(1, { timeout })],
};

for (const [name, [wrongs, call]] of Object.entries(consumerCalls)) {
  test(`a wrong ${name} is refused, and the message stays`, () => {
    using channel = openChannel();
    const { producer, consumer, arena } = channel;
    producer.trySend(Uint8Array.of(1, 2, 3), 4);
    const before = arena.bytes.slice();
    for (const [value, error, message] of wrongs) {
      assert.throws(() => call(consumer, value as never), { name: error, message }, String(value));
    }
    assert.deepEqual(arena.bytes.slice(), before);
    const message = { bytes: Uint8Array.of(1, 2, 3), typeId: 4 };
    assert.deepEqual(consumer.tryReceive(), message);
  });
}

const slotSizes: Wrong[] = [
  ["8", "TypeError", /size is "8"; expected a number/],
  [-1, "RangeError", /size is -1; expected whole bytes from 0 to 100/],
  [0.5, "RangeError", /size is 0.5; expected whole bytes from 0 to 100/],
  [101, "RangeError", /size is 101; expected whole bytes from 0 to 100/],
];

for (const finish of ["commit", "stage"] as const) {
  test(`a wrong argument of ${finish} is refused, and the slot stays open`, () => {
    using channel = openChannel();
    const slot = channel.producer.tryClaim(100);
    assert.ok(slot);
    for (const [value, name, message] of slotSizes) {
      assert.throws(() => slot[finish](value as never), { name, message });
    }
    for (const [value, name, message] of notTypeIds) {
      assert.throws(() => slot[finish](1, value as never), { name, message });
    }
    assert.equal(slot.bytes.length, 100);
    slot[finish](100, 9);
    channel.producer.flush();
    assert.equal(channel.consumer.tryReceive()?.typeId, 9);
  });
}

test("an index that a batch does not have is refused", () => {
  using channel = openChannel();
  channel.producer.trySend(new Uint8Array(1));
  channel.producer.trySend(new Uint8Array(1));
  using batch = channel.consumer.tryDrain();
  assert.ok(batch);
  for (const index of [-1, 2, 0.5, Number.NaN, 2 ** 32, "0", undefined]) {
    for (const call of ["bytes", "size", "typeId", "offset"] as const) {
      const message = new RegExp(`index is ${index}; expected a whole number below 2`);
      assert.throws(() => batch[call](index as never), { name: "RangeError", message });
    }
  }
  assert.equal(batch.bytes(1).length, 1);
});

const newPath = temporaryPaths();

const listenOptions: Record<string, Wrong[]> = {
  capacity: [
    [
      4095,
      "RangeError",
      /capacity is 4095; expected bytes, a power of two from 4096 to 1073741824/,
    ],
    [2048, "RangeError", /capacity is 2048; expected/],
    [5000, "RangeError", /capacity is 5000; expected/],
    [2 ** 31, "RangeError", /capacity is 2147483648; expected/],
    ["4096", "RangeError", /capacity is "4096"; expected/],
    [Number.NaN, "RangeError", /capacity is NaN; expected/],
  ],
  wire: [
    [1, "RangeError", /wire is 1; expected 2, 3 or 4/],
    [5, "RangeError", /wire is 5; expected 2, 3 or 4/],
    ["4", "RangeError", /wire is "4"; expected 2, 3 or 4/],
  ],
  mode: [
    [-1, "RangeError", /mode is -1; expected permission bits/],
    [0o1000, "RangeError", /mode is 512; expected permission bits/],
    [0.5, "RangeError", /mode is 0.5; expected permission bits/],
  ],
};

const connectOptions: Record<string, Wrong[]> = {
  retry: [[1, "TypeError", /retry is 1; expected true or false/]],
};

const bothOptions: Record<string, Wrong[]> = {
  authorize: [[true, "TypeError", /authorize is true; expected a function/]],
  timeout: notTimeouts,
  wait: [
    [5, "TypeError", /wait is 5; expected an object/],
    [{ spin: -1 }, "RangeError", /wait.spin is -1; expected microseconds/],
    [{ spin: Number.NaN }, "RangeError", /wait.spin is NaN; expected microseconds/],
    [{ spin: "9" }, "RangeError", /wait.spin is "9"; expected microseconds/],
  ],
};

const paths: Wrong[] = [
  [undefined, "TypeError", /path is undefined; expected a string/],
  [5, "TypeError", /path is 5; expected a string/],
  [Buffer.from("x"), "TypeError", /path is an object \(Buffer\); expected a string/],
];

for (const kind of [Producer, Consumer]) {
  const opens = {
    listenSync: { ...listenOptions, ...bothOptions },
    connectSync: { ...connectOptions, ...bothOptions },
  };
  for (const [name, options] of Object.entries(opens) as ["listenSync", typeof bothOptions][]) {
    const open = (path: unknown, given: unknown) => kind[name](path as never, given as never);

    test(`a wrong argument of ${kind.name}.${name} is refused before anything is bound`, () => {
      const path = newPath();
      for (const [value, error, message] of paths) {
        assert.throws(() => open(value, { timeout: 0 }), { name: error, message });
      }
      for (const given of [5, null, "x"]) {
        const message = /options is .*; expected an object/;
        assert.throws(() => open(path, given), { name: "TypeError", message });
      }
      for (const [option, wrongs] of Object.entries(options)) {
        for (const [value, error, message] of wrongs) {
          const given = { timeout: 0, [option]: value };
          assert.throws(() => open(path, given), { name: error, message }, option);
        }
      }
      assert.equal(existsSync(path), false);
    });
  }
}
