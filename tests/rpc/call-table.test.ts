/** Where a client keeps its open calls. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { CallTable } from "../../src/rpc/calls.ts";
import { printedSeed } from "../support/seed.ts";

interface Call {
  readonly id: number;
}

const bounds = { timeout: 60_000 };

const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } };

function heapUsed(): number {
  Bun?.gc(true);
  return process.memoryUsage().heapUsed;
}

test("one call that stays open does not make the table grow with each later one", bounds, () => {
  const table = new CallTable<Call>();
  table.add({ id: 1 });
  const before = heapUsed();
  for (let id = 2; id < 2_000_000; id++) {
    table.add({ id });
    table.take(id);
  }
  const growth = heapUsed() - before;
  assert.ok(growth < 8 * 2 ** 20, `the heap grew by ${growth} bytes`);
  assert.deepEqual(table.take(1), { id: 1 });
  assert.equal(table.size, 0);
});

test("a table that held many calls gives its memory back", {
  ...bounds,
  skip: Bun === undefined && "garbage cannot be collected here",
}, () => {
  const table = new CallTable<Call>();
  const before = heapUsed();
  const count = 1_000_000;
  for (let id = 1; id <= count; id++) table.add({ id });
  assert.equal(table.size, count);
  for (let id = 1; id <= count; id++) assert.equal(table.take(id)?.id, id);
  const growth = heapUsed() - before;
  assert.ok(growth < 8 * 2 ** 20, `the heap grew by ${growth} bytes`);
});

test("calls are found in whatever order they are answered, beyond 32 bits too", bounds, () => {
  let state = printedSeed();
  const random = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  for (const start of [1, 2 ** 31 - 500, 2 ** 32 - 500, 2 ** 40]) {
    const table = new CallTable<Call>();
    const expected = new Map<number, Call>();
    let id = start;
    for (let step = 0; step < 50_000; step++) {
      // Many open calls for a while, then few, so that the table grows and shrinks.
      const openMax = step % 10_000 < 5000 ? 2000 : 20;
      if (expected.size < openMax && random(3) > 0) {
        const call = { id: id++ };
        table.add(call);
        expected.set(call.id, call);
      }
      // Mostly one that came lately, now and then one that was overtaken.
      const asked = Math.max(start, id - 1 - random(random(20) === 0 ? id - start : 30));
      assert.equal(table.take(asked), expected.get(asked));
      expected.delete(asked);
      assert.equal(table.size, expected.size);
    }
    const left = table.takeAll().map((call) => call.id);
    assert.deepEqual(
      left.sort((a, b) => a - b),
      [...expected.keys()].sort((a, b) => a - b),
    );
    assert.equal(table.size, 0);
    assert.deepEqual(table.takeAll(), []);
  }
});
