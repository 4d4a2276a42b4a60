/** How a side that waits learns that the other closed, and what a death takes along and leaves. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { Consumer, Producer } from "../../src/index.ts";
import { sizeAt } from "../peer/content.ts";
import { Deadline } from "../peer/deadline.ts";
import { sleep } from "../peer/libc.ts";
import { type Outcome, outcomesOf, startEnd } from "../support/far-end.ts";
import { temporaryPaths } from "../support/folder.ts";
import { TestArena } from "../support/in-thread.ts";
import { printedSeed } from "../support/seed.ts";

const newPath = temporaryPaths();
const died = { name: "PeerDiedError", code: "ERR_ZEROCROSS_PEER_DIED" };

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
    sleep(2);
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
    sleep(2);
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
