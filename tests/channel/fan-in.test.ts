/** Many producers into one consumer. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { FanIn, type Producer } from "../../src/index.ts";
import { messageAt, sizeAt } from "../peer/content.ts";
import { Deadline } from "../peer/deadline.ts";
import { startPeer } from "../peer/start.ts";
import { states } from "../peer/wire.ts";
import { startAsyncEnd } from "../support/async-end.ts";
import { connected, openAll } from "../support/fan-in.ts";
import { outcomesOf, startEnd } from "../support/far-end.ts";
import { temporaryPaths } from "../support/folder.ts";
import { bothRuntimes, startProgram } from "../support/program.ts";
import {
  assertTimesOut,
  CountingController,
  isPending,
  rejection,
  watchTimers,
  within,
} from "../support/promises.ts";

const newPath = temporaryPaths();
const bounds = { timeout: 30_000 };
const timeout = 10_000;
type Message = ReturnType<FanIn["receiveSync"]>;

/** Every way to receive, from somebody who does nothing else. */
const receives: Record<string, (fanIn: FanIn) => Message | Promise<Message>> = {
  receive: (fanIn) => fanIn.receive({ timeout }),
  receiveSync: (fanIn) => fanIn.receiveSync({ timeout }),
  tryReceive: (fanIn) => {
    const deadline = new Deadline(timeout);
    while (true) {
      const message = fanIn.tryReceive();
      if (message !== undefined) return message;
      deadline.check("for a message");
    }
  },
  "for await": async (fanIn) => {
    for await (const message of fanIn) return message;
    return assert.fail("the iteration ended");
  },
};

const here = { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() };

for (const [name, receive] of Object.entries(receives)) {
  test(
    `${name} delivers every producer's messages in their order, and says whose they are`,
    bounds,
    async () => {
      using all = await openAll(newPath(), 5);
      const { fanIn, producers } = all;
      assert.equal(fanIn.connections, 5);
      for (let i = 0; i < 100; i++) {
        for (const [p, producer] of producers.entries()) {
          producer.trySend(messageAt(p, i, sizeAt(p, i, 0, 100)), p * 1000 + i);
        }
      }
      producers[0]?.trySend(messageAt(9, 9, 10_000), 100);
      const next = [0, 0, 0, 0, 0];
      for (let i = 0; i < 501; i++) {
        const { bytes, typeId, peer } = await receive(fanIn);
        const p = Math.floor(typeId / 1000);
        assert.equal(typeId % 1000, (next[p] as number)++);
        assert.deepEqual(peer, here);
        const index = typeId % 1000;
        const expected =
          index === 100 ? messageAt(9, 9, 10_000) : messageAt(p, index, sizeAt(p, index, 0, 100));
        assert.equal(Buffer.compare(bytes, expected), 0);
      }
      assert.deepEqual(next, [101, 100, 100, 100, 100]);
      assert.equal(fanIn.tryReceive(), undefined);
    },
  );

  test(
    `${name} is fair: who has much to say has at most a row before the others`,
    bounds,
    async () => {
      using all = await openAll(newPath(), 4);
      const [flooding, ...others] = all.producers as [Producer, ...Producer[]];
      for (let round = 0; round < 4; round++) {
        while (flooding.trySend(new Uint8Array(8), 0));
        for (const other of others) other.trySend(new Uint8Array(8), 1);
        let [ones, count] = [0, 0];
        for (; ones < others.length; count++) ones += (await receive(all.fanIn)).typeId;
        assert.ok(count <= 2 * 32 + others.length, `${count} messages until all had their turn`);
      }
    },
  );

  test(
    `${name} goes on while a process floods: another connects, and is heard`,
    bounds,
    async () => {
      const path = newPath();
      await using fanIn = await FanIn.listen(path, { capacity: 65536 });
      using flood = startAsyncEnd({ path, end: "producer", steps: [["flood", 8, 1]] });
      assert.equal((await receive(fanIn)).peer.pid, flood.pid);
      using other = startEnd({ path, end: "producer", steps: [["sendSync", 2000]] });
      const deadline = new Deadline(timeout);
      let floods = 0;
      while (true) {
        const { bytes, peer } = await receive(fanIn);
        if (bytes.length === 2000) {
          assert.equal(peer.pid, other.pid);
          break;
        }
        floods += 1;
        deadline.check(`for the other's message behind ${floods}`);
        // Two cores are not many for three processes.
        if (floods % 1000 === 0) await turn();
      }
      assert.ok(floods > 1);
    },
  );

  test(
    `${name} drops a producer that closes when its messages were received, and no other`,
    bounds,
    async () => {
      using all = await openAll(newPath(), 3);
      const { fanIn, producers } = all;
      for (const [p, producer] of producers.entries()) producer.trySend(new Uint8Array(p), p);
      producers[1]?.close();
      const types: number[] = [];
      for (let i = 0; i < 3; i++) types.push((await receive(fanIn)).typeId);
      assert.deepEqual(types.sort(), [0, 1, 2]);
      assert.equal(fanIn.tryReceive(), undefined);
      assert.equal(fanIn.connections, 2);
      producers[0]?.close();
      producers[2]?.trySend(new Uint8Array(2), 2);
      assert.equal((await receive(fanIn)).typeId, 2);
      assert.equal(fanIn.tryReceive(), undefined);
      assert.equal(fanIn.connections, 1);
      all.producers.push(await connected(fanIn, all.path));
      assert.equal(fanIn.connections, 2);
      producers[3]?.trySend(new Uint8Array(0), 3);
      assert.equal((await receive(fanIn)).typeId, 3);
    },
  );
}

const shortReceives: Record<string, (fanIn: FanIn) => Message | Promise<Message>> = {
  receive: (fanIn) => fanIn.receive({ timeout: 20 }),
  receiveSync: (fanIn) => fanIn.receiveSync({ timeout: 20 }),
};

for (const [name, receive] of Object.entries(shortReceives)) {
  test(
    `${name} delivers all that killed producers, liars and others of the family have sent`,
    bounds,
    async () => {
      const path = newPath();
      await using fanIn = await FanIn.listen(path, { capacity: 4096 });
      const told = ["--path", path, "--size", "0-64", "--seed", 5, "--capacity", 4096];
      const foreign = [[], ["--lane", "--packed", "--park", "--every", 8]].map((abilities) =>
        startPeer(["produce", ...told, "--count", 40, ...abilities]),
      );
      const lies = ["size-above-reserved", "head-far-away", "two-skips"];
      const liars = lies.map((what) => startPeer(["lie", ...told, "--what", what, "--good", 20]));
      using mortal = startProgram("mortal", { path, end: "producer", count: 30, seed: 5 });
      using honest = startEnd({
        path,
        end: "producer",
        steps: [["sendSync", 3], ["awaitWord"], ["sendSync", 4]],
      });
      const counts = new Map<number, number>();
      const deadline = new Deadline(15_000);
      // The one that does nothing wrong stays.
      while (counts.size < 7 || fanIn.connections > 1) {
        deadline.check(`${fanIn.connections} connected, and heard ${JSON.stringify([...counts])}`);
        try {
          const { pid } = (await receive(fanIn)).peer;
          counts.set(pid, (counts.get(pid) ?? 0) + 1);
        } catch (error) {
          assert.equal((error as Error).name, "TimeoutError");
        }
      }
      for (const { pid, report } of foreign) assert.equal(counts.get(pid), (await report).count);
      for (const { pid, report } of liars) {
        const { count, state } = await report;
        assert.equal(counts.get(pid), count);
        assert.equal(state, states.fatal);
      }
      assert.equal(counts.get(mortal.pid), 31);
      assert.equal(counts.get(honest.pid), 1);
      honest.tell();
      assert.equal((await within(fanIn.receive())).bytes.length, 4);
    },
  );
}

test("connectors are taken in by a thread that never finds nothing", bounds, async () => {
  for (const receive of [
    (fanIn: FanIn) => fanIn.receiveSync(),
    (fanIn: FanIn) => fanIn.tryReceive(),
  ]) {
    using all = await openAll(newPath(), 1);
    const [flooding] = all.producers as [Producer];
    using other = startEnd({ path: all.path, end: "producer", steps: [["sendSync", 2000]] });
    const deadline = new Deadline(timeout);
    do {
      flooding.trySend(new Uint8Array(8));
      flooding.trySend(new Uint8Array(8));
      deadline.check("for the other's message");
    } while (receive(all.fanIn)?.bytes.length !== 2000);
    await outcomesOf(other, 1);
  }
});

test(
  "a receive that waits hears of connectors and of what they send, in either runtime",
  bounds,
  async () => {
    const path = newPath();
    await using fanIn = await FanIn.listen(path);
    const timers = watchTimers();
    for (const runtime of bothRuntimes) {
      const receiving = fanIn.receive();
      using program = startEnd(
        { path, end: "producer", steps: [["sendSync", 5], ["awaitWord"], ["sendSync", 6]] },
        { runtime },
      );
      assert.deepEqual((await within(receiving)).peer.pid, program.pid);
      const second = fanIn.receive();
      assert.ok(await isPending(second));
      program.tell();
      assert.equal((await within(second)).bytes.length, 6);
    }
    assert.ok(timers.stop() < 500);
  },
);

test(
  "receiveSync hears of connectors that come while it sleeps, one after the other",
  bounds,
  async () => {
    const path = newPath();
    for (const spin of [0, 50, Infinity]) {
      await using fanIn = await FanIn.listen(path, { wait: { spin } });
      using first = startEnd({
        path,
        end: "producer",
        steps: [
          ["sendSync", 1],
          ["pause", 400],
          ["sendSync", 3],
        ],
      });
      assert.equal(fanIn.receiveSync({ timeout }).bytes.length, 1);
      using second = startEnd({
        path,
        end: "producer",
        steps: [
          ["pause", 50],
          ["sendSync", 2],
        ],
      });
      // Which comes first, the machine decides.
      const sizes = [0, 1].map(() => fanIn.receiveSync({ timeout }).bytes.length);
      assert.deepEqual(sizes.sort(), [2, 3]);
      await outcomesOf(second, 2);
      await outcomesOf(first, 3);
    }
  },
);

test("receiveSync and receive time out, not before their time", bounds, async () => {
  for (const spin of [0, 50, Infinity]) {
    using all = await openAll(newPath(), 2, { wait: { spin } });
    for (const timeout of [0, 1.5, 40]) {
      await assertTimesOut((timeout) => all.fanIn.receive({ timeout }), timeout);
      await assertTimesOut(async (timeout) => all.fanIn.receiveSync({ timeout }), timeout);
    }
    all.producers[1]?.trySend(new Uint8Array(1), 5);
    assert.equal((await within(all.fanIn.receive())).typeId, 5);
  }
});

test(
  "receives that wait go on behind a receiveSync that took over their watch",
  bounds,
  async () => {
    using all = await openAll(newPath(), 2);
    const pending = [all.fanIn.receive(), all.fanIn.receive()];
    assert.ok(await isPending(Promise.race(pending)));
    assert.throws(() => all.fanIn.receiveSync({ timeout: 20 }), { name: "TimeoutError" });
    assert.ok(await isPending(Promise.race(pending)));
    for (const [p, producer] of all.producers.entries()) {
      producer.trySend(new Uint8Array(p));
      await within(pending[p] as Promise<Message>);
    }
  },
);

test(
  "a signal cancels a receive, which takes no message and lets go of the signal",
  bounds,
  async () => {
    using all = await openAll(newPath(), 1);
    const { fanIn } = all;
    const controllers = [1, 2, 3].map(() => new CountingController());
    const calls = controllers.map(({ signal }) => fanIn.receive({ signal }));
    assert.ok(await isPending(Promise.race(calls)));
    controllers[1]?.abort("middle");
    assert.equal(await rejection(calls[1] as Promise<Message>), "middle");
    controllers[0]?.abort(null);
    assert.equal(await rejection(calls[0] as Promise<Message>), null);
    all.producers[0]?.trySend(new Uint8Array(1), 7);
    assert.equal((await within(calls[2] as Promise<Message>)).typeId, 7);
    assert.deepEqual(
      controllers.map(({ listeners }) => listeners),
      [0, 0, 0],
    );
    const aborted = AbortSignal.abort("early");
    assert.equal(await rejection(fanIn.receive({ signal: aborted })), "early");
    assert.equal(await rejection(FanIn.listen(newPath(), { signal: aborted })), "early");
  },
);
