/** How a channel ends when a process dies, and how a side that waits learns that the other closed. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { Consumer, Producer } from "../src/index.ts";
import { sizeAt } from "./peer/content.ts";
import { Deadline } from "./peer/deadline.ts";
import { sleep } from "./peer/libc.ts";
import { type Outcome, outcomesOf, startEnd } from "./support/far-end.ts";
import { temporaryPaths } from "./support/folder.ts";
import { TestArena } from "./support/in-thread.ts";
import { printedSeed } from "./support/seed.ts";

const newPath = temporaryPaths();
const died = { name: "PeerDiedError", code: "ERR_ZEROCROSS_PEER_DIED" };
const noticedWithinMs = 100;

/** Never asleep, asleep at once, and as it is when nobody chooses. */
const spins: Record<string, number> = { spinning: Infinity, sleeping: 0, default: 50 };
const patience = { timeout: 5000 };

/** What a call throws and when, in milliseconds since the epoch. */
function thrownBy(call: () => unknown): { error: unknown; at: number } {
  try {
    call();
  } catch (error) {
    return { error, at: Date.now() };
  }
  throw new assert.AssertionError({ message: "nothing was thrown" });
}

function assertDied(call: () => unknown): number {
  const { error, at } = thrownBy(call);
  assert.throws(() => {
    throw error;
  }, died);
  return at;
}

const into = new Uint8Array(64);
const receives: Record<string, (consumer: Consumer) => unknown> = {
  receiveSync: (consumer) => consumer.receiveSync(patience),
  receiveIntoSync: (consumer) => consumer.receiveIntoSync(into, patience),
  drainSync: (consumer) => consumer.drainSync(1, patience)?.release(),
};

for (const [name, receive] of Object.entries(receives)) {
  for (const [policy, spin] of Object.entries(spins)) {
    test(`${name} (${policy}) delivers what a killed producer published and learns of the death`, async () => {
      const path = newPath();
      const steps = [["sendRandom", 50, 32], ["pause", 100], ["die"]] as const;
      using program = startEnd({ path, end: "producer", steps });
      using consumer = Consumer.listenSync(path, { ...patience, wait: { spin } });
      for (let i = 0; i < 50; i++) receive(consumer);
      assert.equal(consumer.stats().messages, 50);
      const at = assertDied(() => receive(consumer));
      for (let i = 0; i < 3; i++) assertDied(() => receive(consumer));
      const outcomes = await outcomesOf(program, 3);
      const late = at - (outcomes[2] as Outcome).ended;
      assert.ok(late >= 0 && late < noticedWithinMs, `noticed ${late} ms after the death`);
    });
  }
}

const sends: Record<string, (producer: Producer) => unknown> = {
  sendSync: (producer) => producer.sendSync(new Uint8Array(960), 0, patience),
  claimSync: (producer) => producer.claimSync(960, patience).commit(),
};

for (const [name, send] of Object.entries(sends)) {
  for (const [policy, spin] of Object.entries(spins)) {
    test(`${name} (${policy}) that waits for room learns that the consumer was killed`, async () => {
      const path = newPath();
      using program = startEnd({ path, end: "consumer", steps: [["pause", 100], ["die"]] });
      const options = { ...patience, capacity: 4096, wait: { spin } };
      using producer = Producer.listenSync(path, options);
      for (let i = 0; i < 4; i++) send(producer);
      const at = assertDied(() => send(producer));
      assertDied(() => send(producer));
      const outcomes = await outcomesOf(program, 2);
      const late = at - (outcomes[1] as Outcome).ended;
      assert.ok(late >= 0 && late < noticedWithinMs, `noticed ${late} ms after the death`);
    });
  }
}

test("a consumer that polls gets everything from a killed producer and then learns of the death", async () => {
  const path = newPath();
  using program = startEnd({ path, end: "producer", steps: [["sendRandom", 50, 32], ["die"]] });
  using consumer = Consumer.listenSync(path, patience);
  await program.ended;
  const deadline = new Deadline(5000);
  assertDied(() => {
    while (consumer.tryReceive() !== null) deadline.check("for the death to be noticed");
  });
  assert.equal(consumer.stats().messages, 50);
});

test("a producer that polls learns that the consumer was killed, though the ring has room", async () => {
  const path = newPath();
  using program = startEnd({ path, end: "consumer", steps: [["die"]] });
  using producer = Producer.listenSync(path, patience);
  await program.ended;
  const deadline = new Deadline(5000);
  assertDied(() => {
    while (true) {
      producer.tryClaim(8)?.rollback();
      deadline.check("for the death to be noticed");
    }
  });
});

test("a process that exits without closing counts as dead", async () => {
  const path = newPath();
  using program = startEnd({ path, end: "producer", steps: [["sendRandom", 5, 32], ["exit"]] });
  using consumer = Consumer.listenSync(path, patience);
  for (let i = 0; i < 5; i++) assert.ok(consumer.receiveSync(patience));
  assertDied(() => consumer.receiveSync(patience));
  assert.equal((await program.ended).code, 0);
});

test("messages that were staged and not published die with their producer", async () => {
  const path = newPath();
  const steps = [["sendRandom", 3, 32], ["stage", 5], ["die"]] as const;
  using program = startEnd({ path, end: "producer", steps });
  using consumer = Consumer.listenSync(path, patience);
  for (let i = 0; i < 3; i++) assert.ok(consumer.receiveSync(patience));
  assertDied(() => consumer.receiveSync(patience));
  await program.ended;
});

for (const [policy, spin] of Object.entries(spins)) {
  // JSON has no infinity.
  const far = { spin: spin === Infinity ? null : spin };

  test(`a consumer that waits (${policy}) learns at once that the producer closed`, async () => {
    using memory = new TestArena();
    const path = newPath();
    const producer = memory.producer();
    const steps = [["receiveSync"]] as const;
    using program = startEnd({ path, end: "consumer", ...far, steps });
    memory.offer(path);
    const deadline = new Deadline(5000);
    const { arena } = memory;
    while (spin === 0 && arena.consumerSleeping !== 1) deadline.check("for a sleeping consumer");
    await program.next();
    sleep(20);
    const at = Date.now();
    producer.close();
    const outcome = await program.next<Outcome>();
    assert.equal(outcome.value, null);
    assert.ok(outcome.ended - at < 40, `${outcome.ended - at} ms later`);
  });

  test(`a producer that waits for room (${policy}) learns at once that the consumer closed`, async () => {
    using memory = new TestArena();
    const path = newPath();
    const consumer = memory.consumer();
    using program = startEnd({ path, end: "producer", ...far, steps: [["fill", 960]] });
    memory.offer(path);
    const deadline = new Deadline(5000);
    while (memory.arena.head !== 4096n) deadline.check("for a full ring");
    sleep(20);
    const at = Date.now();
    consumer.close();
    const [outcome] = await outcomesOf(program, 1);
    assert.equal(outcome?.error?.name, "PeerClosedError");
    assert.ok((outcome?.ended as number) - at < 40, `${(outcome?.ended as number) - at} ms later`);
  });
}

const seed = printedSeed();

test("killed at 20 random moments, a listener leaves no stuck peer, no memory and a path to use again", {
  timeout: 30_000,
}, async () => {
  const rounds = Array.from({ length: 20 }, (_, round) => round);
  // A few at a time, since each is two processes that take a moment to start.
  while (rounds.length > 0) await Promise.all(rounds.splice(0, 4).map(killAtRandom));
});

async function killAtRandom(round: number): Promise<void> {
  const path = newPath();
  const fill = { path, end: "producer", listens: true, steps: [["fill", 100]] } as const;
  using victim = startEnd(fill);
  const steps = [["receiveAll"], ["close"], ["mappings"]] as const;
  using survivor = startEnd({ path, end: "consumer", options: { timeout: 500 }, steps });
  const isOpen = sizeAt(seed, round, 0, 3) > 0;
  if (isOpen) await victim.next();
  await new Promise((resolve) => setTimeout(resolve, sizeAt(seed, round + 100, 0, 100)));
  victim.kill();
  await victim.ended;
  if (isOpen) {
    const [received, , mappings] = await outcomesOf(survivor, 3);
    assert.equal(received?.error?.name, "PeerDiedError");
    assert.deepEqual(mappings?.value, []);
    assert.equal(existsSync(path), false);
  }
  const { signal } = await survivor.ended;
  assert.equal(signal, null, "the survivor was stuck");
  assert.throws(() => Producer.listenSync(path, { timeout: 1 }), { name: "TimeoutError" });
  assert.equal(existsSync(path), false);
}
