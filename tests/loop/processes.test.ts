/** The calls that return promises, between two processes of either runtime. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Consumer, type Message, Producer } from "../../src/index.ts";
import { messageAt, sizeAt } from "../peer/content.ts";
import type { MortalArguments } from "../programs/mortal.ts";
import { type AsyncOutcome, startAsyncEnd } from "../support/async-end.ts";
import { outcomesOf, startEnd } from "../support/far-end.ts";
import { temporaryPaths } from "../support/folder.ts";
import { bothRuntimes, startProgram } from "../support/program.ts";
import { rejection, watchTimers, within } from "../support/promises.ts";
import { schedulerDelay } from "../support/scheduler.ts";
import { checksumOf, printedSeed } from "../support/seed.ts";

const newPath = temporaryPaths();
const bounds = { timeout: 30_000 };
const timeout = 10_000;
const seed = printedSeed();
/** Milliseconds: 100 is the rule, the rest is for a machine that is shared. */
const noticedWithin = 200;
const died = { name: "PeerDiedError", code: "ERR_ZEROCROSS_PEER_DIED" };
const farSeed = 7;

/** What `sendRandom` of the other process sends. */
function randomMessages(count: number, sizeMax: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) =>
    messageAt(farSeed, i, sizeAt(farSeed, i, 0, sizeMax)),
  );
}

/** Milliseconds of processor time that this process uses in `milliseconds`. */
async function cpuTime(milliseconds: number): Promise<number> {
  const before = process.cpuUsage();
  await delay(milliseconds);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Measures when it is quiet: once out of a few times, since other things happen in a process too. */
async function idleCpuTime(): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 3 && least > 20; i++) least = Math.min(least, await cpuTime(500));
  return least;
}

for (const runtime of bothRuntimes) {
  for (const listens of [true, false]) {
    const side = listens ? "which listens" : "which connects";

    test(
      `a producer in ${runtime}, ${side}, and a consumer here speak by promises`,
      bounds,
      async () => {
        for (const send of ["sendRandom", "claimRandom"]) {
          const path = newPath();
          const args = {
            path,
            end: "producer",
            listens,
            capacity: 4096,
            steps: [[send, 400, 1500]],
          } as const;
          using program = startAsyncEnd(args, { runtime });
          using consumer = await (listens
            ? Consumer.connect(path, { timeout })
            : Consumer.listen(path, { timeout, capacity: 4096 }));
          assert.equal(consumer.peer.pid, program.pid);
          const received: Uint8Array[] = [];
          for await (const { bytes, typeId } of consumer) {
            assert.equal(typeId, received.length);
            received.push(bytes);
          }
          assert.equal(received.length, 400);
          assert.equal(checksumOf(received), checksumOf(randomMessages(400, 1500)));
          const [outcome] = await outcomesOf(program, 1);
          assert.equal(outcome?.error, undefined);
        }
      },
    );

    test(
      `a consumer in ${runtime}, ${side}, and a producer here speak by promises`,
      bounds,
      async () => {
        for (const receive of ["receiveRandom", "drainRandom"]) {
          const path = newPath();
          const args = {
            path,
            end: "consumer",
            listens,
            capacity: 4096,
            steps: [[receive]],
          } as const;
          using program = startAsyncEnd(args, { runtime });
          using producer = await (listens
            ? Producer.connect(path, { timeout })
            : Producer.listen(path, { timeout, capacity: 4096 }));
          const messages = randomMessages(400, 1500);
          for (const [i, bytes] of messages.entries()) await producer.send(bytes, i);
          producer.close();
          const [outcome] = await outcomesOf(program, 1);
          assert.deepEqual(outcome?.value, { count: 400, checksum: checksumOf(messages) });
        }
      },
    );
  }

  test(
    `a full ring is waited for until a slow consumer in ${runtime} makes room`,
    bounds,
    async () => {
      const path = newPath();
      using program = startAsyncEnd(
        { path, end: "consumer", steps: [["receiveRandom", 3]] },
        { runtime },
      );
      using producer = await Producer.listen(path, { timeout, capacity: 4096 });
      const timers = watchTimers();
      const messages = randomMessages(150, 1900);
      await Promise.all(messages.map((bytes, i) => producer.send(bytes, i, { timeout })));
      producer.close();
      const [outcome] = await outcomesOf(program, 1);
      assert.deepEqual(outcome?.value, { count: 150, checksum: checksumOf(messages) });
      assert.ok(timers.stop() < 500);
      assert.ok(timers.ticks() > 10);
    },
  );

  test(
    `a consumer in ${runtime} that sleeps by Sync calls is served by promises, and a producer`,
    bounds,
    async () => {
      const path = newPath();
      using program = startEnd(
        { path, end: "consumer", steps: [["receiveRandom", 2]] },
        { runtime },
      );
      using producer = await Producer.listen(path, { timeout, capacity: 4096 });
      const messages = randomMessages(100, 1900);
      for (const [i, bytes] of messages.entries()) await producer.send(bytes, i);
      producer.close();
      const [outcome] = await outcomesOf(program, 1);
      assert.deepEqual(outcome?.value, { count: 100, checksum: checksumOf(messages) });
    },
  );

  test(`while a producer in ${runtime} waits for room its event loop goes on`, bounds, async () => {
    const path = newPath();
    using program = startAsyncEnd(
      { path, end: "producer", steps: [["sendRandom", 60, 1900]] },
      { runtime },
    );
    using consumer = await Consumer.listen(path, { timeout, capacity: 4096 });
    await delay(300);
    let count = 0;
    for await (const { typeId } of consumer) assert.equal(typeId, count++);
    assert.equal(count, 60);
    const [outcome] = (await outcomesOf(program, 1)) as AsyncOutcome[];
    assert.ok((outcome?.ticks ?? 0) > 10, `${outcome?.ticks} ticks of 5 ms in 300 ms`);
  });
}

test("an idle receive and an idle send use next to no processor time", bounds, async () => {
  const path = newPath();
  using far = startAsyncEnd({ path, end: "producer", steps: [["pause", 8000]] });
  using consumer = await Consumer.listen(path, { timeout });
  const receiving = consumer.receive();
  receiving.catch(() => {});
  const fullPath = newPath();
  using slow = startAsyncEnd({ path: fullPath, end: "consumer", steps: [["pause", 8000]] });
  using producer = await Producer.listen(fullPath, { timeout, capacity: 4096 });
  while (producer.trySend(new Uint8Array(960)));
  const sending = producer.send(new Uint8Array(8));
  sending.catch(() => {});
  const stop = new AbortController();
  const listening = Consumer.listen(newPath(), { signal: stop.signal });
  await delay(100);
  const used = await idleCpuTime();
  stop.abort();
  await assert.rejects(listening, { name: "AbortError" });
  assert.ok(used < 25, `${used} ms of 500`);
  assert.ok(far.pid !== slow.pid);
});

/** How late this side hears of a death, in milliseconds, once everything was delivered. */
async function latenessOf(spin: number, receive: (consumer: Consumer) => Promise<Message | null>) {
  const path = newPath();
  const count = 100;
  const args: MortalArguments = { path, end: "producer", seed, sizeMax: 100, count, pauseMs: 60 };
  using program = startProgram("mortal", args);
  using consumer = await Consumer.listen(path, { timeout, wait: { spin } });
  for (let i = 0; i < count; i++) {
    const message = await within(receive(consumer));
    assert.equal(message?.typeId, i);
    assert.deepEqual(message.bytes, messageAt(seed, i, sizeAt(seed, i, 0, 100)));
  }
  const last = await within(receive(consumer));
  const [killedAt = Number.NaN] = new Float64Array(Uint8Array.from(last?.bytes ?? []).buffer);
  const delayed = schedulerDelay();
  const error = await rejection(receive(consumer));
  const late = Date.now() - killedAt - (schedulerDelay() - delayed);
  assert.equal((error as typeof died).code, died.code);
  await assert.rejects(receive(consumer), died);
  assert.equal((await program.ended).signal, "SIGKILL");
  return late;
}

const receives: Record<string, (consumer: Consumer) => Promise<Message | null>> = {
  receive: (consumer) => consumer.receive(),
  drain: async (consumer) => {
    using batch = await consumer.drain(1);
    return batch && { bytes: batch.bytes(0).slice(), typeId: batch.typeId(0) };
  },
};

for (const [name, receive] of Object.entries(receives)) {
  test(
    `${name} delivers all that a killed producer published, and hears of the death in time`,
    bounds,
    async () => {
      for (const spin of [0, 50, Infinity]) {
        const late = await latenessOf(spin, receive);
        assert.ok(late < noticedWithin, `noticed after ${late} ms (spin ${spin})`);
      }
    },
  );
}

test("send and claim that wait hear in time that the consumer was killed", bounds, async () => {
  for (const spin of [0, 50, Infinity]) {
    const path = newPath();
    using program = startProgram("mortal", { path, end: "consumer", pauseMs: 150 });
    using producer = await Producer.listen(path, { timeout, capacity: 4096, wait: { spin } });
    while (producer.trySend(new Uint8Array(960)));
    const delayed = schedulerDelay();
    const calls = [
      producer.send(new Uint8Array(960)),
      producer.claim(8),
      producer.send(new Uint8Array(0)),
    ];
    for (const call of calls) call.catch(() => {});
    for (const call of calls)
      assert.equal(((await rejection(call)) as typeof died).code, died.code);
    const heard = Date.now();
    const excused = schedulerDelay() - delayed;
    const late = heard - (await program.next<number>());
    assert.ok(
      late >= 0 && late - excused < noticedWithin,
      `noticed after ${late} ms (spin ${spin})`,
    );
    await assert.rejects(producer.send(new Uint8Array(8)), died);
  }
});

test(
  "a producer process that exits without closing counts as dead, one that closes as closed",
  bounds,
  async () => {
    for (const how of ["exit", "close"] as const) {
      const path = newPath();
      using _program = startProgram("mortal", {
        path,
        end: "producer",
        count: 20,
        times: 1,
        pauseMs: 30,
        how,
      });
      using consumer = await Consumer.listen(path, { timeout });
      for (let i = 0; i < 21; i++) assert.equal((await within(consumer.receive()))?.typeId, i);
      if (how === "exit") await assert.rejects(within(consumer.receive()), died);
      else assert.equal(await within(consumer.receive()), null);
    }
  },
);

test(
  "a peer that gives up without a wake-up is noticed by a receive and a send that sleep",
  bounds,
  async () => {
    for (const sleeper of ["consumerSleeping", "producerParked"]) {
      const path = newPath();
      using program = startProgram("verdict", { path, state: 4, sleeper });
      const options = { timeout, capacity: 4096, wait: { spin: 0 } };
      if (sleeper === "consumerSleeping") {
        using consumer = await Consumer.listen(path, options);
        assert.equal(((await rejection(consumer.receive())) as Error).name, "CorruptError");
      } else {
        using producer = await Producer.listen(path, options);
        const sendOn = async () => {
          while (true) await producer.send(new Uint8Array(960));
        };
        assert.equal(((await rejection(sendOn())) as Error).name, "CorruptError");
      }
      await program.next();
    }
  },
);
