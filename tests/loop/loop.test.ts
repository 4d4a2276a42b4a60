/** What else the event loop does while channels have traffic. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { Consumer, type Producer } from "../../src/index.ts";
import { startAsyncEnd } from "../support/async-end.ts";
import { temporaryPaths } from "../support/folder.ts";
import { openChannel, TestArena } from "../support/in-thread.ts";
import { startProgram } from "../support/program.ts";
import { watchTimers, within } from "../support/promises.ts";

const newPath = temporaryPaths();
const bounds = { timeout: 30_000 };
const timeout = 10_000;
/** Milliseconds that a timer may be late on a machine that is shared. */
const lateness = 100;
/** Ticks that may be later, when the machine runs something else; a loop that starves them delays all. */
const stolen = 2;
/** Milliseconds for which a loop is watched. */
const watched = 600;

/** How often something that takes a turn through the kernel comes round, until `stop`. */
function watchSockets(): { rounds: () => number; stop: () => Promise<void> } {
  let rounds = 0;
  let stopped = false;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end("x");
  });
  const run = new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", async () => {
      const { port } = server.address() as { port: number };
      const { connect } = await import("node:net");
      while (!stopped) {
        await new Promise<void>((done) => {
          const socket = connect(port, "127.0.0.1");
          socket.on("data", () => rounds++);
          socket.on("close", () => done());
          socket.on("error", () => done());
        });
      }
      server.close(() => resolve());
    });
  });
  return {
    rounds: () => rounds,
    stop: () => {
      stopped = true;
      return run;
    },
  };
}

/** Runs `step` again and again for a while, and says how late the timers were. */
async function forAWhile(
  step: () => Promise<unknown>,
): Promise<{ count: number; late: number; ticks: number }> {
  const timers = watchTimers();
  const end = performance.now() + watched;
  let count = 0;
  while (performance.now() < end) {
    await step();
    count += 1;
  }
  return { count, ticks: timers.ticks(), late: timers.stop(stolen) };
}

async function assertTimersRun(step: () => Promise<unknown>): Promise<void> {
  const { count, ticks, late } = await forAWhile(step);
  assert.ok(late < lateness, `timers were ${late} ms late, in ${count} steps`);
  assert.ok(ticks > 15, `${ticks} ticks of 10 ms in ${watched} ms`);
  assert.ok(count > 1000, `${count} steps in ${watched} ms`);
}

for (const spin of [0, 50, Infinity]) {
  test(
    `receiving without a pause from a process that floods keeps no timer waiting (spin ${spin})`,
    bounds,
    async () => {
      const path = newPath();
      using _flood = startProgram("mortal", { path, end: "producer", streams: true, sizeMax: 64 });
      using consumer = await Consumer.listen(path, { timeout, wait: { spin } });
      await within(consumer.receive());
      await assertTimersRun(() => consumer.receive());
    },
  );
}

test(
  "the loop itself looks while messages flow, and only a wait without any comes to sleep",
  bounds,
  async () => {
    using memory = new TestArena();
    const producer = memory.producer();
    // A second: longer than this machine keeps a message waiting.
    const consumer = memory.consumer({ spin: 1e6 });
    for (let i = 0; i < 1000; i++) {
      const received = consumer.receive({ timeout });
      setImmediate(() => producer.trySend(Uint8Array.of(7), i));
      assert.equal((await received)?.typeId, i);
    }
    assert.equal(consumer.stats().sleeps, 0);

    using other = new TestArena();
    const sleeper = other.consumer({ spin: 0 });
    const received = sleeper.receive({ timeout });
    assert.equal(sleeper.stats().sleeps, 1);
    other.producer().trySend(Uint8Array.of(7), 1);
    assert.equal((await received)?.typeId, 1);
    assert.equal(sleeper.stats().sleeps, 1);
  },
);

test(
  "after a sleep shorter than four times its spin, the loop looks that long",
  bounds,
  async () => {
    using memory = new TestArena();
    const producer = memory.producer();
    const spin = 40;
    const consumer = memory.consumer({ spin: spin * 1000 });
    const receiveAfter = async (milliseconds: number) => {
      const received = consumer.receive({ timeout });
      setTimeout(() => producer.trySend(Uint8Array.of(7)), milliseconds);
      await received;
      return consumer.stats().sleeps;
    };
    assert.equal(await receiveAfter(1.5 * spin), 1);
    assert.equal(await receiveAfter(2 * spin), 1);
  },
);

test("sending without a pause keeps no timer waiting", bounds, async () => {
  using channel = openChannel({ capacity: 65536 });
  const bytes = new Uint8Array(8);
  let sent = 0;
  await assertTimersRun(async () => {
    await channel.producer.send(bytes);
    if (++sent % 100 === 0) while (channel.consumer.tryReceive() !== undefined);
  });
});

/** Whether the loop went round between the first and the last of calls that could all be answered at once. */
async function turnsBetween(calls: readonly Promise<unknown>[]): Promise<boolean> {
  let hasTurned = false;
  await within(Promise.race(calls));
  setImmediate(() => {
    hasTurned = true;
  });
  await within(Promise.all(calls));
  return hasTurned;
}

test(
  "calls that could all be answered at once are answered in turns of the loop",
  bounds,
  async () => {
    using memory = new TestArena({ capacity: 2 ** 20 });
    const consumer = memory.consumer();
    const producer = memory.producer();
    const calls = Array.from({ length: 10_000 }, () => consumer.receive());
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (let i = 0; i < calls.length; i++) assert.ok(producer.trySend(new Uint8Array(0)));
    assert.ok(await turnsBetween(calls));
  },
);

test("channels that all have much to answer share the turns of the loop", bounds, async () => {
  const memories = Array.from({ length: 200 }, () => new TestArena({ capacity: 8192 }));
  const producers = memories.map((memory) => memory.producer());
  const consumers = memories.map((memory) => memory.consumer());
  const calls = consumers.flatMap((consumer) =>
    Array.from({ length: 60 }, () => consumer.receive()),
  );
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (const producer of producers) {
    for (let i = 0; i < 60; i++) assert.ok(producer.trySend(new Uint8Array(8)));
  }
  const hasTurned = await turnsBetween(calls);
  for (const memory of memories) memory[Symbol.dispose]();
  assert.ok(hasTurned);
});

test("other channels and sockets go on beside a flood", bounds, async () => {
  const path = newPath();
  using _flood = startAsyncEnd({ path, end: "producer", steps: [["flood", 8, 1]] });
  using consumer = await Consumer.listen(path, { timeout });
  using other = openChannel();
  await within(consumer.receive());
  let echoes = 0;
  let isOver = false;
  const echo = (async () => {
    while (!isOver) {
      const receiving = other.consumer.receive();
      await new Promise((resolve) => setTimeout(resolve, 1));
      await other.producer.send(new Uint8Array(1));
      await receiving;
      echoes += 1;
    }
  })();
  const sockets = watchSockets();
  const { count } = await forAWhile(() => consumer.receive());
  isOver = true;
  await within(echo);
  await within(sockets.stop());
  assert.ok(count > 1000, `${count} messages of the flood`);
  assert.ok(echoes > 5, `${echoes} messages beside the flood`);
  // Deno left to itself looks at sockets once in 61 turns of the loop: 20 echoes to a connection.
  const rounds = sockets.rounds();
  assert.ok(rounds > echoes / 4, `${rounds} connections and ${echoes} echoes beside the flood`);
});

test("several floods are received fairly, each by a loop of its own", bounds, async () => {
  const counts = [0, 0, 0];
  const memories = counts.map(() => new TestArena({ capacity: 65536 }));
  const ends = memories.map(
    (memory) => [memory.producer(), memory.consumer()] as [Producer, Consumer],
  );
  const over = performance.now() + 500;
  const loops = ends.map(async ([producer, consumer], i) => {
    while (performance.now() < over) {
      while (producer.trySend(new Uint8Array(8)));
      for (let taken = 0; taken < 100; taken++) {
        await consumer.receive();
        counts[i] = (counts[i] as number) + 1;
      }
    }
  });
  await within(Promise.all(loops));
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  for (const memory of memories) memory[Symbol.dispose]();
  assert.ok(least > most / 4, `${counts}`);
});

test("the first wait after a long time of none is served as the others are", bounds, async () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  for (const pause of [1, 30, 700]) {
    const receiving = consumer.receive({ timeout: 5000 });
    await new Promise((resolve) => setTimeout(resolve, pause));
    const begun = performance.now();
    producer.trySend(new Uint8Array(1));
    await within(receiving);
    const late = performance.now() - begun;
    assert.ok(late < 500, `${late} ms after ${pause} ms of sleep`);
  }
});

test(
  "200 channels that wait at once each get what comes for them, also with a look now and then only",
  bounds,
  async () => {
    // More than the kernel waits for in one call.
    const memories = Array.from({ length: 200 }, () => new TestArena());
    const producers = memories.map((memory) => memory.producer());
    const consumers = memories.map((memory) => memory.consumer({ spin: 0 }));
    try {
      for (let round = 0; round < 3; round++) {
        const calls = consumers.map((consumer) => consumer.receive({ timeout: 5000 }));
        await new Promise((resolve) => setTimeout(resolve, 20));
        for (let i = 0; i < 200; i++) {
          const at = (i * 73 + round) % 200;
          producers[at]?.trySend(new Uint8Array(1), at);
          if (i % 50 === 0)
            assert.equal((await within(calls[at] as (typeof calls)[0]))?.typeId, at);
        }
        const types = (await within(Promise.all(calls))).map((message) => message?.typeId);
        assert.deepEqual(
          types,
          Array.from({ length: 200 }, (_, i) => i),
        );
      }
    } finally {
      for (const memory of memories) memory[Symbol.dispose]();
    }
  },
);
