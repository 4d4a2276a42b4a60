/** The lines that waiting calls stand in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type InLine, Line } from "../../src/loop/line.ts";
import { printedSeed } from "../support/seed.ts";

class Waiter implements InLine<Waiter> {
  ahead: Waiter | undefined;
  behind: Waiter | undefined;
}

test("a line keeps its order, whoever leaves it, and from wherever", () => {
  let state = printedSeed();
  const random = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const line = new Line<Waiter>();
  const expected: Waiter[] = [];
  const gone: Waiter[] = [];
  for (let step = 0; step < 20_000; step++) {
    if (random(2) === 0) {
      const waiter = gone.length > 0 && random(2) === 0 ? (gone.pop() as Waiter) : new Waiter();
      line.push(waiter);
      expected.push(waiter);
    } else {
      const leaving = expected.splice(random(Math.min(expected.length, 4)), 1);
      for (const waiter of leaving) {
        line.remove(waiter);
        gone.push(waiter);
      }
    }
    // One that has left already.
    if (gone.length > 0) line.remove(gone[random(gone.length)] as Waiter);
    assert.equal(line.first, expected[0]);
    assert.equal(line.isEmpty, expected.length === 0);
  }
  assert.deepEqual(line.removeAll(), expected);
  assert.equal(line.first, undefined);
  assert.deepEqual(line.removeAll(), []);
});
