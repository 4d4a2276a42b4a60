/** Waiting for a side in another process, as the side that waits sees it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Consumer, Producer } from "../../src/index.ts";
import { messageAt } from "../peer/content.ts";
import { startPeer } from "../peer/start.ts";
import { outcomesOf, startEnd } from "../support/far-end.ts";
import { temporaryPaths } from "../support/folder.ts";
import { otherRuntime, startProgram } from "../support/program.ts";
import { checksumOf } from "../support/seed.ts";

const newPath = temporaryPaths();
const patience = { timeout: 5000 };
const bounds = { timeout: 20_000 };

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

test(
  "a consumer that sleeps is woken by a message of another process before it looks for itself",
  bounds,
  async () => {
    const path = newPath();
    const rounds = 15;
    const child = { path, end: "producer", times: rounds, pauseMs: 10, how: "close" };
    using program = startProgram("mortal", child);
    using consumer = Consumer.listenSync(path, { ...patience, wait: { spin: 0 } });
    const delays: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = consumer.stats().sleeps;
      const message = consumer.receiveSync(patience);
      assert.ok(message);
      const [sentAt = 0] = new Float64Array(message.bytes.buffer);
      // One that was there already tells nothing about waking.
      if (consumer.stats().sleeps > before) delays.push(Date.now() - sentAt);
    }
    assert.equal(consumer.receiveSync(patience), null);
    assert.ok(delays.length > rounds / 2, `slept ${delays.length} times in ${rounds} rounds`);
    // It sleeps 50 ms at a time, and the messages come about 10 ms into that.
    assert.ok(median(delays) < 20, `woken after ${delays.join(", ")} ms`);
    assert.equal((await program.ended).code, 0);
  },
);

for (const spin of [0, 50, Infinity]) {
  test(
    `a family consumer that wakes nobody still drains a full ring of a producer with spin ${spin}`,
    bounds,
    async () => {
      const path = newPath();
      const count = 200;
      const peer = startPeer(["consume", "--path", path, "--size", 960], otherRuntime, 10_000);
      try {
        const wait = { spin };
        using producer = Producer.listenSync(path, { ...patience, capacity: 4096, wait });
        for (let i = 0; i < count; i++) producer.sendSync(messageAt(1, i, 960), 1, patience);
        assert.ok(producer.stats().full > 0, "the ring was never full");
        if (spin === 0) assert.ok(producer.stats().sleeps > 0, "it never slept");
        producer.close();
        const report = await peer.report;
        assert.equal(report.count, count);
        assert.equal(report.closed, true);
        assert.equal(report.checksum, checksumOf(messages(count, 960)));
      } finally {
        peer.kill();
      }
    },
  );
}

function messages(count: number, size: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => messageAt(1, index, size));
}

for (const count of [8, 40]) {
  test(
    `${count} messages of 64 KiB go through a ring of 1 MiB to a slow consumer`,
    bounds,
    async () => {
      const path = newPath();
      const steps = [["receiveRandom", 5]] as const;
      using program = startEnd({ path, end: "consumer", steps });
      using producer = Producer.listenSync(path, { ...patience, capacity: 2 ** 20 });
      const sent = messages(count, 65536);
      sent.forEach((bytes, index) => {
        producer.sendSync(bytes, index, patience);
      });
      // Eight of them fit at once; forty have to wait for the consumer.
      if (count > 16) assert.ok(producer.stats().full > 0, "the ring was never full");
      producer.close();
      const [received] = (await outcomesOf(program, 1)) ?? [];
      assert.equal(received?.error, undefined);
      assert.deepEqual(received?.value, { count, checksum: checksumOf(sent) });
      assert.equal((await program.ended).code, 0);
    },
  );
}
