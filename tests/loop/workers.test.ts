/** Workers that wait for channels: several threads of one process, each with an event loop. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startProgram, thisRuntime } from "../support/program.ts";
import { within } from "../support/promises.ts";

const bounds = { timeout: 30_000 };

const start = (scenario: string, count: number) =>
  startProgram("async-workers", { scenario, count }, { runtime: thisRuntime });

test(
  `several workers wait for channels of their own, and the main thread too`,
  bounds,
  async () => {
    using program = start("several", 4);
    assert.equal(await within(program.next(), 10_000), 5);
    assert.deepEqual(await within(program.ended), { code: 0, signal: null, errors: "" });
  },
);

for (const scenario of ["terminated", "closed"]) {
  test(`a process goes on and ends when workers that wait are ${scenario}`, bounds, async () => {
    using program = start(scenario, 3);
    await within(program.next(), 10_000);
    assert.deepEqual(await within(program.ended), { code: 0, signal: null, errors: "" });
  });
}

test(`any number of workers may have waited`, bounds, async () => {
  // More than there are waiters.
  using program = start("terminated", 66);
  await within(program.next(), 25_000);
  const { code, errors } = await within(program.ended);
  assert.equal(code, 0, errors);
});
