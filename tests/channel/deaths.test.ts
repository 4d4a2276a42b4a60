/** What the side that is left gets when a process at the other end dies, and when it hears of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { numbers } from "../../ffi/table.ts";
import { Consumer, type Message, Producer } from "../../src/index.ts";
import { messageAt, sizeAt } from "../peer/content.ts";
import { Deadline } from "../peer/deadline.ts";
import type { MortalArguments } from "../programs/mortal.ts";
import { timeOfDeath } from "../support/death.ts";
import { temporaryPaths } from "../support/folder.ts";
import { channelMappings, openDescriptors } from "../support/memory.ts";
import { type Program, startProgram } from "../support/program.ts";
import { printedSeed } from "../support/seed.ts";

const newPath = temporaryPaths();
const died = { name: "PeerDiedError", code: "ERR_ZEROCROSS_PEER_DIED" };
const patience = { timeout: 5000 };
const bounds = { timeout: 20_000 };
/** What the README promises: one sleep that began just before, and another on a busy machine. */
const noticedWithinMs = 2 * numbers.sliceMs;
/** A side that polls looks at its peer's health every 20 ms, and at the clock in every 16th call. */
const pollCheckMs = 20;
const pollsMax = 16;

const seed = printedSeed();
const count = 300;
const sizeMax = 100;
const spins: Record<string, number> = { asleep: 0, default: 50, spinning: Infinity };
const into = new Uint8Array(1024);

type Receive = (consumer: Consumer) => Message | undefined | null;

/** Every way to receive, as the message that it came to: copied, since the ring is reused. */
const waitingReceives: Record<string, Receive> = {
  receiveSync: (consumer) => consumer.receiveSync(patience),
  receiveIntoSync: (consumer) => copied(consumer, consumer.receiveIntoSync(into, patience)),
  drainSync: (consumer) => drained(consumer.drainSync(1, patience)),
};
const pollingReceives: Record<string, Receive> = {
  tryReceive: (consumer) => consumer.tryReceive(),
  tryReceiveInto: (consumer) => copied(consumer, consumer.tryReceiveInto(into)),
  tryDrain: (consumer) => drained(consumer.tryDrain(1)),
};
const receives = { ...waitingReceives, ...pollingReceives };

function copied(consumer: Consumer, size: number): Message | undefined | null {
  if (size === -1) return undefined;
  if (size === -2) return null;
  return { bytes: into.slice(0, size), typeId: consumer.lastTypeId };
}

function drained(batch: ReturnType<Consumer["tryDrain"]>): Message | undefined | null {
  if (!batch) return batch;
  const message = { bytes: batch.bytes(0).slice(), typeId: batch.typeId(0) };
  batch.release();
  return message;
}

const waitingSends: Record<string, (producer: Producer) => unknown> = {
  sendSync: (producer) => producer.sendSync(new Uint8Array(960), 0, patience),
  claimSync: (producer) => producer.claimSync(960, patience).commit(),
};
const pollingSends: Record<string, (producer: Producer) => unknown> = {
  trySend: (producer) => producer.trySend(new Uint8Array(8)),
  trySendMany: (producer) => producer.trySendMany(new Uint8Array(8), Uint32Array.of(8)),
  tryClaim: (producer) => producer.tryClaim(8)?.rollback(),
  flush: (producer) => producer.flush(),
};
const sends = { ...waitingSends, ...pollingSends };

function startMortal(args: MortalArguments): Program {
  return startProgram("mortal", { seed, sizeMax, ...args });
}

function assertMessage(message: Message | undefined | null, index: number): void {
  const expected = messageAt(seed, index, sizeAt(seed, index, 0, sizeMax));
  assert.equal(message?.typeId, index);
  assert.equal(Buffer.compare(message.bytes, expected), 0, `message ${index} is not what was sent`);
}

/** The next message, however often that takes a look. */
function next(consumer: Consumer, receive: Receive): Message | null {
  const deadline = new Deadline(5000);
  while (true) {
    const message = receive(consumer);
    if (message !== undefined) return message;
    deadline.check("for a message");
  }
}

/** Takes everything of a producer that was told to send `count`, and says when it died at the latest. */
function receiveAll(consumer: Consumer, receive: Receive): number {
  for (let index = 0; index < count; index++) assertMessage(next(consumer, receive), index);
  const last = next(consumer, receive);
  assert.equal(last?.typeId, count);
  const [at = Number.NaN] = new Float64Array(last.bytes.slice().buffer);
  return at;
}

function assertEveryReceiveSaysDied(consumer: Consumer): void {
  for (let round = 0; round < 10; round++) {
    for (const receive of Object.values(receives)) assert.throws(() => receive(consumer), died);
  }
}

function assertEverySendSaysDied(producer: Producer): void {
  for (let round = 0; round < 10; round++) {
    for (const send of Object.values(sends)) assert.throws(() => send(producer), died);
  }
}

/** How often `poll` has to be called until it throws what says that the peer is dead. */
function pollsUntilDied(poll: () => unknown): number {
  const deadline = new Deadline(5000);
  for (let polls = 1; ; polls++) {
    try {
      poll();
    } catch (error) {
      assert.throws(() => {
        throw error;
      }, died);
      return polls;
    }
    deadline.check("for the death to be noticed");
  }
}

/** All in milliseconds of `Date.now`; `goneAt` by a clock that is read a few of them late. */
function assertInTime(killedAt: number, goneAt: number, heardAt: number): void {
  assert.ok(killedAt <= heardAt && killedAt <= goneAt, `killed at ${killedAt}, gone at ${goneAt}`);
  const late = heardAt - goneAt;
  assert.ok(late < noticedWithinMs, `noticed ${late} ms after the process was gone`);
}

/** That it died as it was told to, and not because something failed. */
function assertKilled(signal: string | null): void {
  assert.equal(signal, "SIGKILL");
}

for (const [name, receive] of Object.entries(waitingReceives)) {
  for (const [policy, spin] of Object.entries(spins)) {
    test(
      `${name} (${policy}) delivers all that a killed producer published and hears of the death in time`,
      bounds,
      async () => {
        const path = newPath();
        using program = startMortal({ path, end: "producer", count });
        using consumer = Consumer.listenSync(path, { ...patience, wait: { spin } });
        const goneAt = timeOfDeath(program.pid);
        const killedAt = receiveAll(consumer, receive);
        const sleeps = consumer.stats().sleeps;
        assert.throws(() => receive(consumer), died);
        const heardAt = Date.now();
        // It has waited the way that it should when it heard of it.
        assert.equal(consumer.stats().sleeps > sleeps, spin !== Infinity);
        assertEveryReceiveSaysDied(consumer);
        assertInTime(killedAt, await goneAt, heardAt);
        assertKilled((await program.ended).signal);
      },
    );
  }
}

for (const [name, receive] of Object.entries(pollingReceives)) {
  test(
    `${name} delivers all that a killed producer published and soon says that it died`,
    bounds,
    async () => {
      const path = newPath();
      using program = startMortal({ path, end: "producer", count });
      using consumer = Consumer.listenSync(path, patience);
      const opened = performance.now();
      assertKilled((await program.ended).signal);
      receiveAll(consumer, receive);
      while (performance.now() - opened <= pollCheckMs + 5);
      const polls = pollsUntilDied(() => receive(consumer));
      assert.ok(polls <= pollsMax, `${polls} polls`);
      assertEveryReceiveSaysDied(consumer);
    },
  );
}

for (const [name, send] of Object.entries(waitingSends)) {
  for (const [policy, spin] of Object.entries(spins)) {
    test(
      `${name} (${policy}) that waits on a full ring hears in time that the consumer was killed`,
      bounds,
      async () => {
        const path = newPath();
        using program = startMortal({ path, end: "consumer", pauseMs: 30 });
        const options = { ...patience, capacity: 4096, wait: { spin } };
        using producer = Producer.listenSync(path, options);
        const goneAt = timeOfDeath(program.pid);
        while (producer.trySend(new Uint8Array(960)));
        assert.throws(() => send(producer), died);
        const heardAt = Date.now();
        assert.equal(producer.stats().sleeps > 0, spin !== Infinity);
        assertEverySendSaysDied(producer);
        assertInTime(await program.next<number>(), await goneAt, heardAt);
        assertKilled((await program.ended).signal);
      },
    );
  }
}

for (const [name, send] of Object.entries(pollingSends)) {
  test(
    `${name} to a consumer that was killed soon says so, though the ring has room`,
    bounds,
    async () => {
      const path = newPath();
      using program = startMortal({ path, end: "consumer" });
      using producer = Producer.listenSync(path, patience);
      const opened = performance.now();
      assertKilled((await program.ended).signal);
      while (performance.now() - opened <= pollCheckMs + 5);
      const polls = pollsUntilDied(() => send(producer));
      assert.ok(polls <= pollsMax, `${polls} polls`);
      assertEverySendSaysDied(producer);
    },
  );
}

test(
  "a producer that exits without closing counts as dead, once everything is delivered",
  bounds,
  async () => {
    const path = newPath();
    using program = startMortal({ path, end: "producer", count, how: "exit" });
    using consumer = Consumer.listenSync(path, patience);
    receiveAll(consumer, (from) => from.receiveSync(patience));
    assert.throws(() => consumer.receiveSync(patience), died);
    assertEveryReceiveSaysDied(consumer);
    assert.equal((await program.ended).code, 0);
  },
);

test("a consumer that exits without closing counts as dead", bounds, async () => {
  const path = newPath();
  using program = startMortal({ path, end: "consumer", how: "exit" });
  using producer = Producer.listenSync(path, { ...patience, capacity: 4096 });
  assert.throws(() => {
    while (true) producer.sendSync(new Uint8Array(960), 0, patience);
  }, died);
  assertEverySendSaysDied(producer);
  assert.equal((await program.ended).code, 0);
});

/** Receives from a producer that streams, kills it at a random moment, and receives what is left. */
async function killWhileStreaming(round: number): Promise<void> {
  const path = newPath();
  const receive = Object.values(pollingReceives)[round % 3] as Receive;
  using program = startMortal({ path, end: "producer", streams: true });
  using consumer = Consumer.listenSync(path, { ...patience, capacity: 65536 });
  let index = 0;
  assertMessage(next(consumer, receive), index++);
  const killMs = sizeAt(seed, round, 0, 40_000) / 1000;
  const begun = performance.now();
  while (performance.now() - begun < killMs) {
    const message = receive(consumer);
    if (message !== undefined) assertMessage(message, index++);
  }
  program.kill();
  const deadline = new Deadline(5000);
  assert.throws(() => {
    while (true) {
      const message = receive(consumer);
      if (message !== undefined) assertMessage(message, index++);
      deadline.check("for the death to be noticed");
    }
  }, died);
  assertEveryReceiveSaysDied(consumer);
  assert.equal(channelMappings().length, 1);
  consumer.close();
  assert.deepEqual(channelMappings(), []);
  assert.ok(!openDescriptors().some((target) => target.includes("zerocross")));
  assertKilled((await program.ended).signal);
}

test(
  "a producer killed at 20 random moments of its stream leaves whole messages in order, and nothing open",
  bounds,
  async () => {
    await killWhileStreaming(0);
    const before = openDescriptors().length;
    for (let round = 1; round < 20; round++) await killWhileStreaming(round);
    // The runtime closes what led to its children in its own time.
    const deadline = new Deadline(2000);
    while (openDescriptors().length > before) {
      deadline.check(`for descriptors to be closed: ${openDescriptors().join(" ")}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  },
);
