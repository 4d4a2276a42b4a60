/** Calls for which there is no room yet: what they hold, and for how long. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { openChannel } from "../support/in-thread.ts";
import { within } from "../support/promises.ts";
import { openClient, until } from "../support/rpc-in-thread.ts";

const bounds = { timeout: 60_000 };
const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } };
const noGc = Bun === undefined && "garbage cannot be collected here";

function memoryUsed(): number {
  Bun?.gc(true);
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  return heapUsed + Math.max(arrayBuffers, external);
}

const ends = { "a timeout": { timeout: 100 }, "a signal": {} };
for (const [name, options] of Object.entries(ends)) {
  test(`of 5,000 calls that waited for room nothing is left after ${name}`, bounds, async () => {
    using pair = openClient();
    const abort = new AbortController();
    const waiting = name === "a signal" ? { signal: abort.signal } : options;
    const request = new Uint8Array(1900);
    const before = memoryUsed();
    const calls = Array.from({ length: 5_000 }, () => pair.client.call(request, waiting));
    const settled = Promise.allSettled(calls.splice(0));
    abort.abort();
    const outcomes = await within(settled, 30_000);
    assert.ok(outcomes.every(({ status }) => status === "rejected"));
    outcomes.length = 0;
    if (!noGc) {
      const growth = memoryUsed() - before;
      assert.ok(growth < 4 * 2 ** 20, `${growth} bytes stayed`);
    }
    // The next one waits for room as the first did, and for nobody else.
    const next = pair.client.call(Uint8Array.of(9));
    const answer = () => pair.callee.tryRequest()?.bytes[0] === 9;
    await until(answer, "for the next call");
    pair.client.close();
    await assert.rejects(next, { name: "ClosedError" });
  });
}

test(
  "5,000 sends that waited for room leave in any order, and the rest go out in theirs",
  bounds,
  async () => {
    using channel = openChannel();
    const { producer, consumer } = channel;
    while (producer.trySend(new Uint8Array(64)));
    const abort = new AbortController();
    const sends = Array.from({ length: 5_000 }, (_, n) => {
      const bytes = new Uint8Array(new Uint32Array([n]).buffer);
      return producer.send(bytes, 1, n % 100 === 99 ? {} : { signal: abort.signal });
    });
    const settled = Promise.allSettled(sends);
    abort.abort();
    const received: number[] = [];
    await until(() => {
      for (let next = consumer.tryReceive(); next; next = consumer.tryReceive()) {
        if (next.typeId === 1) received.push(new Uint32Array(next.bytes.buffer)[0] as number);
      }
      return received.length === 50;
    }, "for those that were not aborted");
    assert.deepEqual(
      received,
      Array.from({ length: 50 }, (_, n) => 100 * n + 99),
    );
    const outcomes = await within(settled);
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 50);
  },
);
