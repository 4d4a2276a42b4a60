/** Calls that end before they are answered: by a timeout, by a signal, or because they are wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Consumer, Producer, type Waiting } from "../../src/index.ts";
import { startAsyncEnd } from "../support/async-end.ts";
import { outcomesOf } from "../support/far-end.ts";
import { temporaryPaths } from "../support/folder.ts";
import { openChannel, TestArena } from "../support/in-thread.ts";
import { bothRuntimes } from "../support/program.ts";
import {
  assertTimesOut,
  CountingController,
  isPending,
  rejection,
  within,
} from "../support/promises.ts";
import { printedSeed } from "../support/seed.ts";

const newPath = temporaryPaths();
const bounds = { timeout: 30_000 };
const spins: Record<string, number> = { sleeping: 0, default: 50, spinning: Infinity };
const seed = printedSeed();

/** Channels whose consumer has nothing to receive, and whose producer has no room. */
type Call = (waiting: Waiting) => Promise<unknown>;
interface Stuck extends Disposable {
  readonly calls: Record<string, Call>;
  /** That nothing was taken and nothing was sent. */
  check(): Promise<void>;
}

function openStuck(spin: number): Stuck {
  const full = new TestArena();
  const empty = new TestArena();
  const producer = full.producer({ spin });
  const consumer = empty.consumer({ spin });
  const sender = empty.producer();
  const receiver = full.consumer();
  while (producer.trySend(new Uint8Array(960), 1));
  const before = full.arena.head;
  return {
    calls: {
      receive: (waiting) => consumer.receive(waiting),
      drain: (waiting) => consumer.drain(1, waiting),
      send: (waiting) => producer.send(new Uint8Array(8), 2, waiting),
      claim: (waiting) => producer.claim(8, waiting),
    },
    async check() {
      assert.equal(full.arena.head, before);
      sender.trySend(Uint8Array.of(9), 9);
      assert.equal((await within(consumer.receive()))?.typeId, 9);
      assert.equal(consumer.tryReceive(), undefined);
      while (receiver.tryReceive() !== undefined);
      await within(producer.send(new Uint8Array(8), 3));
      assert.equal(receiver.tryReceive()?.typeId, 3);
      assert.equal(receiver.tryReceive(), undefined);
      const slot = await within(producer.claim(8));
      slot.rollback();
    },
    [Symbol.dispose]() {
      full[Symbol.dispose]();
      empty[Symbol.dispose]();
    },
  };
}

for (const [policy, spin] of Object.entries(spins)) {
  test(
    `calls (${policy}) end with a TimeoutError, not before their time, and nothing is lost`,
    bounds,
    async () => {
      using stuck = openStuck(spin);
      for (const call of Object.values(stuck.calls)) {
        for (const timeout of [0, 0.3, 1.5, 20.2, 41]) {
          await assertTimesOut((timeout) => call({ timeout }), timeout);
        }
      }
      await stuck.check();
    },
  );

  test(
    `calls (${policy}) reject with the signal's reason, whatever it is, and let go of the signal`,
    bounds,
    async () => {
      using stuck = openStuck(spin);
      for (const [name, call] of Object.entries(stuck.calls)) {
        for (const reason of [new RangeError("enough"), null, 0, "text", undefined]) {
          // Before the call.
          const before = new CountingController();
          before.abort(reason);
          assert.equal(
            await rejection(call({ signal: before.signal })),
            before.signal.reason,
            name,
          );
          // While it waits.
          const meanwhile = new CountingController();
          const { signal } = meanwhile;
          const pending = call({ signal, timeout: 5000 });
          assert.ok(await isPending(pending, 2));
          assert.equal(meanwhile.listeners, 1);
          meanwhile.abort(reason);
          assert.equal(await rejection(pending), signal.reason);
          assert.equal(before.listeners + meanwhile.listeners, 0);
          if (reason === undefined) assert.equal(signal.reason.name, "AbortError");
        }
        // Its time was up first.
        const late = new CountingController();
        await assertTimesOut((timeout) => call({ timeout, signal: late.signal }), 3);
        assert.equal(late.listeners, 0);
        late.abort();
      }
      await stuck.check();
    },
  );
}

test(
  "a call that was answered has let go of its signal, and aborting it then changes nothing",
  bounds,
  async () => {
    using channel = openChannel();
    const { producer, consumer } = channel;
    const controller = new CountingController();
    const waiting = { signal: controller.signal, timeout: 5000 };
    const receiving = consumer.receive(waiting);
    assert.ok(await isPending(receiving, 2));
    assert.equal(controller.listeners, 1);
    await producer.send(Uint8Array.of(1), 1, waiting);
    assert.equal((await within(receiving))?.typeId, 1);
    assert.equal(controller.listeners, 0);
    while (producer.trySend(new Uint8Array(8), 2));
    const sending = producer.send(Uint8Array.of(1), 3, waiting);
    const claiming = producer.claim(8, waiting);
    assert.ok(await isPending(sending, 2));
    assert.equal(controller.listeners, 2);
    for (let type = 1; type < 3; ) type = (await within(consumer.receive()))?.typeId ?? 9;
    while (consumer.tryReceive() !== undefined);
    await within(sending);
    const slot = await within(claiming);
    assert.equal(controller.listeners, 0);
    controller.abort();
    slot.commit(8, 4);
    assert.equal(controller.listeners, 0);
    assert.ok((await within(consumer.receive()))?.typeId ?? 0 >= 3);
  },
);

test("closing lets go of the signals of what it rejects", bounds, async () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  while (producer.trySend(new Uint8Array(960)));
  while (consumer.tryReceive() !== undefined);
  while (producer.trySend(new Uint8Array(960)));
  const controller = new CountingController();
  const waiting = { signal: controller.signal };
  using memory = new TestArena();
  const idle = memory.consumer();
  const calls = [
    idle.receive(waiting),
    idle.drain(1, waiting),
    producer.send(new Uint8Array(8), 0, waiting),
  ];
  assert.ok(await isPending(Promise.race(calls), 5));
  assert.equal(controller.listeners, 3);
  idle.close();
  producer.close();
  for (const call of calls) assert.equal(((await rejection(call)) as Error).name, "ClosedError");
  assert.equal(controller.listeners, 0);
  controller.abort();
});

test(
  "cancelling the first, one in the middle and the last of pending receives loses nothing",
  bounds,
  async () => {
    for (const spin of Object.values(spins)) {
      using memory = new TestArena();
      const consumer = memory.consumer({ spin });
      const producer = memory.producer();
      const controllers = Array.from({ length: 6 }, () => new AbortController());
      const calls = controllers.map(({ signal }) => consumer.receive({ signal }));
      assert.ok(await isPending(Promise.race(calls)));
      for (const i of [0, 3, 5]) {
        controllers[i]?.abort(i);
        assert.equal(await rejection(calls[i] as Promise<unknown>), i);
      }
      for (let i = 0; i < 3; i++) {
        producer.trySend(new Uint8Array(0), 10 + i);
        assert.equal(
          (await within(calls[[1, 2, 4][i] as number] as (typeof calls)[0]))?.typeId,
          10 + i,
        );
      }
      producer.trySend(new Uint8Array(0), 20);
      assert.equal((await within(consumer.receive()))?.typeId, 20);
    }
  },
);

test(
  "cancelled sends send nothing, and those behind them go on, also when they need less room",
  bounds,
  async () => {
    for (const spin of Object.values(spins)) {
      using memory = new TestArena();
      const producer = memory.producer({ spin });
      const consumer = memory.consumer();
      for (let i = 0; i < 4; i++) producer.trySend(new Uint8Array(960), i);
      const controllers = Array.from({ length: 5 }, () => new AbortController());
      const sizes = [1900, 8, 500, 8, 8];
      const calls = sizes.map((size, i) =>
        producer.send(new Uint8Array(size), 10 + i, {
          signal: (controllers[i] as AbortController).signal,
        }),
      );
      // Room for a small one, and not for the large one before it.
      consumer.tryDrain(1)?.release();
      assert.ok(await isPending(Promise.race(calls)));
      for (const i of [4, 2, 0]) {
        controllers[i]?.abort(i);
        assert.equal(await rejection(calls[i] as Promise<unknown>), i);
      }
      await within(Promise.all([calls[1], calls[3]]));
      const types: (number | undefined)[] = [];
      for (let i = 0; i < 5; i++) types.push((await within(consumer.receive()))?.typeId);
      assert.deepEqual(types, [1, 2, 3, 11, 13]);
      assert.equal(consumer.tryReceive(), undefined);
    }
  },
);

test("a signal that is aborted by what comes out of one wait ends the others", bounds, async () => {
  using channel = openChannel();
  const controller = new AbortController();
  const { signal } = controller;
  const first = channel.consumer.receive({ signal }).then(() => controller.abort("done"));
  const others = [channel.consumer.receive({ signal }), channel.consumer.drain(1, { signal })];
  assert.ok(await isPending(Promise.race(others), 2));
  channel.producer.trySend(new Uint8Array(1));
  await within(first);
  for (const other of others) assert.equal(await rejection(other), "done");
});

const wrongWaitings: [unknown, string][] = [
  [{ timeout: -1 }, "RangeError"],
  [{ timeout: Number.NaN }, "RangeError"],
  [{ timeout: "5" }, "RangeError"],
  [{ signal: {} }, "TypeError"],
  [{ signal: null }, "TypeError"],
  [5, "TypeError"],
  [null, "TypeError"],
];

test("a wrong timeout or signal rejects, throws nothing, and changes nothing", bounds, async () => {
  using stuck = openStuck(50);
  for (const [waiting, name] of wrongWaitings) {
    for (const call of Object.values(stuck.calls)) {
      assert.equal(((await rejection(call(waiting as Waiting), 1000)) as Error).name, name);
    }
    for (const meet of [Producer.listen, Producer.connect, Consumer.listen, Consumer.connect]) {
      const end = meet as (path: string, options: Waiting) => Promise<unknown>;
      if (waiting === null || typeof waiting === "number") continue;
      const error = await rejection(end("@zerocross-nobody", waiting as Waiting), 1000);
      assert.equal((error as Error).name, name);
    }
  }
  await stuck.check();
});

test(
  "wrong messages, sizes and maxima reject at once, also while others wait before them",
  bounds,
  async () => {
    for (const spin of Object.values(spins)) {
      using memory = new TestArena();
      const producer = memory.producer({ spin });
      while (producer.trySend(new Uint8Array(960)));
      using idle = new TestArena();
      const consumer = idle.consumer({ spin });
      const controller = new AbortController();
      const { signal } = controller;
      const before = [
        producer.send(new Uint8Array(8), 0, { signal }),
        consumer.receive({ signal }),
      ];
      assert.ok(await isPending(Promise.race(before), 5));
      const wrong: [string, Promise<unknown>][] = [
        ["RangeError", producer.send(new Uint8Array(producer.maxMessageSize + 1))],
        ["TypeError", producer.send("text" as unknown as Uint8Array)],
        ["RangeError", producer.send(new Uint8Array(8), 2 ** 32 - 1)],
        ["RangeError", producer.send(new Uint8Array(8), -1)],
        ["RangeError", producer.claim(producer.maxMessageSize + 1)],
        ["RangeError", producer.claim(-1)],
        ["RangeError", producer.claim(1.5)],
        ["TypeError", producer.claim("8" as unknown as number)],
        ["RangeError", consumer.drain(0)],
        ["RangeError", consumer.drain(Number.NaN)],
      ];
      for (const [, call] of wrong) call.catch(() => {});
      for (const [i, [name, call]] of wrong.entries()) {
        assert.equal(((await rejection(call, 1000)) as Error).name, name, `call ${i}`);
      }
      controller.abort("over");
      for (const call of before) assert.equal(await rejection(call), "over");
    }
  },
);

test(
  "a message that comes as the time runs out is delivered or left, never lost or doubled",
  bounds,
  async () => {
    for (const runtime of bothRuntimes) {
      for (const spin of [0, 50]) {
        let state = (seed ^ (spin + 1)) >>> 0 || 1;
        const random = () => {
          state ^= state << 13;
          state ^= state >>> 17;
          state ^= state << 5;
          return (state >>> 0) / 2 ** 32;
        };
        const path = newPath();
        const count = 1000;
        // Small numbers of messages come at once, with pauses between them that are about as long as the timeouts.
        using program = startAsyncEnd(
          { path, end: "producer", steps: [["trickle", count, seed]] },
          { runtime },
        );
        using consumer = await Consumer.listen(path, { capacity: 4096, wait: { spin } });
        let next = 0;
        let cancelled = 0;
        const receive = async (_: unknown, index: number, { length }: { length: number }) => {
          const controller = new AbortController();
          const { signal } = controller;
          if (random() < 0.4) setTimeout(() => controller.abort(), random() * 3);
          else if (random() < 0.3) queueMicrotask(() => controller.abort());
          const waiting = random() < 0.5 ? { signal, timeout: random() * 3 } : { signal };
          try {
            // A drain is alone, or last: what comes behind it would find its batch open.
            const drains = index === length - 1 && random() < 0.3;
            return await (drains ? one(consumer, waiting) : consumer.receive(waiting));
          } catch (error) {
            assert.match((error as Error).name, /^(TimeoutError|AbortError)$/);
            cancelled += 1;
            return undefined;
          }
        };
        while (true) {
          // Several at once, some of which end early.
          const calls = [...Array(1 + Math.floor(random() * 3))].map(receive);
          const messages = await within(Promise.all(calls), 10_000);
          for (const message of messages) {
            if (message) assert.equal(message.typeId, next++);
          }
          if (messages.includes(null)) break;
        }
        assert.equal(next, count, `seed ${seed}`);
        assert.ok(cancelled > 20, `only ${cancelled} calls were cancelled`);
        const [outcome] = await outcomesOf(program, 1);
        assert.equal(outcome?.error, undefined);
      }
    }
  },
);

async function one(consumer: Consumer, waiting: Waiting) {
  const batch = await consumer.drain(1, waiting);
  if (batch === null) return null;
  const typeId = batch.typeId(0);
  batch.release();
  return { typeId };
}
