/** Waiting for the other side: for how long, and who wakes whom. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Consumer, Producer } from "../../src/index.ts";
import type { Arena } from "../peer/arena.ts";
import { Deadline } from "../peer/deadline.ts";
import { sleep } from "../peer/libc.ts";
import { Producer as PeerProducer } from "../peer/producer.ts";
import { startPeer } from "../peer/start.ts";
import { type Outcome, outcomesOf, startEnd } from "../support/far-end.ts";
import { temporaryPaths } from "../support/folder.ts";
import { openChannel, TestArena } from "../support/in-thread.ts";
import { startProgram } from "../support/program.ts";

const newPath = temporaryPaths();
const spins: Record<string, number> = {
  spinning: Infinity,
  sleeping: 0,
  default: 50,
  both: 20_000,
};

/** Waits until the other process says in shared memory that it sleeps. */
function awaitSleeper(arena: Arena, word: "consumerSleeping" | "producerParked"): void {
  const deadline = new Deadline(5000);
  while (arena[word] !== 1) {
    deadline.check(`for ${word}`);
    sleep(0);
  }
}

const receives: Record<string, (consumer: Consumer, timeout: number) => unknown> = {
  receiveSync: (consumer, timeout) => consumer.receiveSync({ timeout }),
  receiveIntoSync: (consumer, timeout) => consumer.receiveIntoSync(new Uint8Array(9), { timeout }),
  drainSync: (consumer, timeout) => consumer.drainSync(1, { timeout }),
};

const sends: Record<string, (producer: Producer, timeout: number) => unknown> = {
  sendSync: (producer, timeout) => producer.sendSync(new Uint8Array(960), 5, { timeout }),
  claimSync: (producer, timeout) => producer.claimSync(960, { timeout }),
};

/** That `call` throws a TimeoutError after its timeout: not before, and not much later. */
function assertTimesOut(call: (timeout: number) => unknown): void {
  for (const timeout of [0, 1.5, 40]) {
    const begun = performance.now();
    assert.throws(
      () => call(timeout),
      (error) => error instanceof DOMException && error.name === "TimeoutError",
    );
    const waited = performance.now() - begun;
    assert.ok(waited >= timeout, `${waited} ms instead of ${timeout}`);
    assert.ok(waited < timeout + 30, `${waited} ms instead of ${timeout}`);
  }
}

for (const [policy, spin] of Object.entries(spins)) {
  for (const [name, receive] of Object.entries(receives)) {
    test(`${name} (${policy}) ends with a TimeoutError when nothing comes, and nothing is lost`, () => {
      using memory = new TestArena();
      const producer = memory.producer();
      const consumer = memory.consumer({ spin });
      assertTimesOut((timeout) => receive(consumer, timeout));
      producer.trySend(Uint8Array.of(1, 2, 3), 4);
      const message = { bytes: Uint8Array.of(1, 2, 3), typeId: 4 };
      assert.deepEqual(consumer.receiveSync({ timeout: 0 }), message);
    });
  }

  for (const [name, send] of Object.entries(sends)) {
    test(`${name} (${policy}) ends with a TimeoutError when no room comes, and sends nothing`, () => {
      using memory = new TestArena();
      const producer = memory.producer({ spin });
      const consumer = memory.consumer();
      for (let i = 0; i < 4; i++) producer.trySend(new Uint8Array(960), i);
      const before = memory.arena.bytes.slice();
      assertTimesOut((timeout) => send(producer, timeout));
      assert.deepEqual(memory.arena.bytes.slice(), before);
      for (let i = 0; i < 4; i++) assert.equal(consumer.tryReceive()?.typeId, i);
      assert.equal(consumer.tryReceive(), undefined);
      producer.sendSync(new Uint8Array(960), 7, { timeout: 0 });
      assert.equal(consumer.tryReceive()?.typeId, 7);
    });
  }
}

test("a TimeoutError says what was being done and on which path", () => {
  using channel = openChannel();
  const receiving = /^receiving \(@zerocross-.*\): timed out/;
  assert.throws(() => channel.consumer.receiveSync({ timeout: 0 }), { message: receiving });
  while (channel.producer.trySend(new Uint8Array(8)));
  const sending = /^sending 8 bytes \(@zerocross-.*\): timed out/;
  const send = () => channel.producer.sendSync(new Uint8Array(8), 0, { timeout: 0 });
  assert.throws(send, { message: sending });
});

test("a wait counts as a sleep only when it came to sleep in the kernel", () => {
  for (const [spin, sleeps] of [
    [Infinity, 0],
    [0, 1],
  ] as const) {
    using memory = new TestArena();
    const consumer = memory.consumer({ spin });
    assert.throws(() => consumer.receiveSync({ timeout: 5 }), { name: "TimeoutError" });
    assert.equal(consumer.stats().sleeps, sleeps);
    const producer = memory.producer({ spin });
    while (producer.trySend(new Uint8Array(0)));
    const send = () => producer.sendSync(new Uint8Array(0), 0, { timeout: 5 });
    assert.throws(send, { name: "TimeoutError" });
    assert.equal(producer.stats().sleeps, sleeps);
  }
});

test("a consumer that sleeps says so, and is woken by the first message", async () => {
  using memory = new TestArena();
  const { arena } = memory;
  const path = newPath();
  const rounds = 15;
  const steps = [...Array(rounds).fill(["receiveSync"]), ["stats"]];
  using program = startEnd({ path, end: "consumer", steps });
  memory.offer(path);
  const producer = new PeerProducer(arena);
  const sentAt: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // What was received is released before the next sleep, so this is not still the one before.
    const deadline = new Deadline(5000);
    while (arena.tail !== arena.head) deadline.check("for the message to be released");
    awaitSleeper(arena, "consumerSleeping");
    sentAt.push(Date.now());
    producer.trySend(new Uint8Array(8));
  }
  const outcomes = await outcomesOf(program, rounds + 1);
  const delays = sentAt.map((at, round) => (outcomes[round] as Outcome).ended - at);
  // It would look for itself after 50 ms. On a machine that is busy some may be late all the same.
  const late = delays.filter((ms) => ms > 15);
  assert.ok(late.length < rounds / 2, `woken after ${delays.join(", ")} ms`);
  const stats = outcomes[rounds]?.value as { sleeps: number };
  assert.ok(stats.sleeps >= rounds, `${stats.sleeps} sleeps`);
  assert.equal(arena.consumerSleeping, 0);
});

test("a producer that sleeps on a full ring says so, and goes on when the consumer releases", async () => {
  using memory = new TestArena();
  const path = newPath();
  const consumer = memory.consumer();
  const steps = [...Array(8).fill(["sendSync", 960]), ["stats"]];
  using program = startEnd({ path, end: "producer", steps });
  memory.offer(path);
  for (let i = 0; i < 4; i++) {
    awaitSleeper(memory.arena, "producerParked");
    // The next of its messages takes this one's place, and again the ring is full.
    assert.ok(consumer.receiveSync({ timeout: 1000 }));
  }
  const outcomes = await outcomesOf(program, 9);
  assert.ok(outcomes.every(({ error }) => error === undefined));
  const stats = outcomes[8]?.value as { sleeps: number };
  assert.ok(stats.sleeps >= 4, `${stats.sleeps} sleeps`);
  assert.equal(memory.arena.producerParked, 0);
});

const publications: ((producer: Producer) => void)[] = [
  (producer) => producer.trySend(new Uint8Array(8)),
  (producer) => producer.trySend(new Uint8Array(100)),
  (producer) => producer.sendSync(new Uint8Array(8)),
  (producer) => producer.trySendMany(new Uint8Array(8), Uint32Array.of(4, 4)),
  (producer) => producer.tryClaim(8)?.commit(),
  (producer) => {
    producer.tryClaim(8)?.stage();
    producer.flush();
  },
  (producer) => {
    for (let i = 0; i < 32; i++) producer.tryClaim(0)?.stage();
  },
  (producer) => producer.close(),
];

const releases: { sent: number; release: (consumer: Consumer) => void }[] = [
  {
    sent: 1,
    release: (consumer) => {
      while (consumer.tryReceive() !== undefined);
    },
  },
  {
    sent: 40,
    release: (consumer) => {
      for (let i = 0; i < 32; i++) consumer.tryReceive();
    },
  },
  { sent: 1, release: (consumer) => consumer.tryDrain()?.release() },
  { sent: 1, release: (consumer) => consumer.close() },
];

/** How long each sleep of the other process was, in milliseconds. */
async function sleepsOf(
  memory: TestArena,
  side: "producer" | "consumer",
  calls: readonly (() => void)[],
): Promise<number[]> {
  const path = newPath();
  using sleeper = startProgram("sleeper", { path, side, rounds: calls.length });
  memory.offer(path);
  const slept: number[] = [];
  for (const call of calls) {
    awaitSleeper(memory.arena, side === "producer" ? "producerParked" : "consumerSleeping");
    sleep(5); // Between the word and the kernel there is a moment that nothing shows.
    call();
    slept.push(await sleeper.next<number>());
  }
  return slept;
}

test("every way to publish wakes a consumer that sleeps, and so does closing", async () => {
  using memory = new TestArena({ capacity: 65536 });
  const producer = memory.producer();
  const calls = publications.map((publish) => () => publish(producer));
  const slept = await sleepsOf(memory, "consumer", calls);
  slept.forEach((ms, i) => {
    assert.ok(ms < 1000, `it slept ${ms} ms through ${publications[i]}`);
  });
});

test("every way to release wakes a producer that is parked, and so does closing", async () => {
  using memory = new TestArena({ capacity: 65536 });
  const producer = memory.producer();
  const consumer = memory.consumer();
  const calls = releases.map(({ sent, release }) => () => {
    for (let i = 0; i < sent; i++) producer.trySend(new Uint8Array(8));
    release(consumer);
  });
  const slept = await sleepsOf(memory, "producer", calls);
  slept.forEach((ms, i) => {
    assert.ok(ms < 1000, `it slept ${ms} ms through ${releases[i]?.release}`);
  });
});

test("a consumer that never sleeps says so before its peer can look", () => {
  using memory = new TestArena();
  memory.consumer({ spin: Infinity });
  assert.equal(memory.arena.consumerSleeping, 2);
});

for (const pieces of ["tryReceive", "tryDrain"] as const) {
  test(`large messages flow through a small ring to a slow consumer that uses ${pieces}`, async () => {
    const path = newPath();
    const args = ["--path", path, "--count", 40, "--size", 65536, "--every", 32];
    using memory = new TestArena({ capacity: 2 ** 19 });
    const consumer = memory.consumer();
    // A peer of the family, which publishes with every 32nd record or when the ring is full.
    const peer = startPeer(["produce", ...args]);
    memory.offer(path);
    const deadline = new Deadline(5000);
    let count = 0;
    while (true) {
      deadline.check(`for message ${count}`);
      const got = pieces === "tryReceive" ? consumer.tryReceive() : consumer.tryDrain(1);
      if (got === null) break;
      if (got === undefined) sleep(1);
      else {
        count++;
        if ("release" in got) got.release();
      }
    }
    assert.equal(count, 40);
    assert.equal((await peer.report).count, 40);
  });
}

test("an idle consumer takes less than 1% of a core", async () => {
  const path = newPath();
  using memory = new TestArena();
  const steps = [
    ["idle", 300],
    ["idle", 2000],
  ] as const;
  using program = startEnd({ path, end: "consumer", steps });
  memory.offer(path);
  const [, idle] = await outcomesOf(program, 2);
  assert.ok((idle?.value as number) < 20, `${idle?.value} ms of 2000`);
});
