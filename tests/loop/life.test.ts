/** What keeps a process alive, and how one that waits ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Program, startProgram, thisRuntime } from "../support/program.ts";
import { isPending, within } from "../support/promises.ts";

const bounds = { timeout: 30_000 };
/** Milliseconds in which a process that has nothing to do ends, or one that is told to. */
const soon = 2000;

const ending = [
  "opened",
  "waited",
  "closed",
  "timedOut",
  "aborted",
  "closedWhileWaiting",
  "listenAborted",
  "fanInIdle",
  "fanInWaited",
];
const staying = [
  "receiving",
  "receivingAgain",
  "sending",
  "listening",
  "connecting",
  "fanInReceiving",
];

function start(scenario: string, spin?: number): Program {
  return startProgram("async-life", { scenario, spin }, { runtime: thisRuntime });
}

async function assertEndsSoon(program: Program, scenario: string): Promise<void> {
  const last = await program.next<number>();
  const { code, signal, errors } = await within(program.ended, 10_000);
  assert.equal(signal, null, scenario);
  assert.equal(code, 0, `${scenario}: ${errors}`);
  assert.equal(errors, "", scenario);
  const late = Date.now() - last;
  assert.ok(late < soon, `${scenario}: ended ${late} ms after it had nothing more to do`);
}

test(`channels that nobody waits for let the process end`, bounds, async () => {
  for (const scenario of ending) {
    using program = start(scenario);
    await assertEndsSoon(program, scenario);
  }
});

test(`channels that never slept let the process end too`, bounds, async () => {
  for (const scenario of ["waited", "aborted", "closedWhileWaiting"]) {
    using program = start(scenario, 1e6);
    await assertEndsSoon(program, scenario);
  }
});

test(`a pending wait keeps the process alive, until it is interrupted`, bounds, async () => {
  const programs = staying.map((scenario) => start(scenario));
  try {
    await Promise.all(programs.map((program) => program.next()));
    const ended = Promise.race(programs.map((program) => program.ended));
    assert.ok(await isPending(ended, 1200), `${JSON.stringify(await isEnded(programs))} ended`);
    for (const [i, program] of programs.entries()) {
      const begun = performance.now();
      program.kill(i % 2 === 0 ? "SIGINT" : "SIGTERM");
      const { signal } = await within(program.ended);
      assert.equal(signal, i % 2 === 0 ? "SIGINT" : "SIGTERM");
      const late = performance.now() - begun;
      assert.ok(late < soon, `${staying[i]} ended ${late} ms after the signal`);
    }
  } finally {
    for (const program of programs) program.kill();
  }
});

test(`a process that exits or throws while it waits ends at once`, bounds, async () => {
  for (const [scenario, expected] of [
    ["exiting", 7],
    ["exitingAtOnce", 7],
    ["throwing", 1],
  ] as const) {
    using program = start(scenario);
    const at = await program.next<number>().catch(() => Date.now());
    const { code, errors } = await within(program.ended, 10_000);
    assert.equal(code, expected, errors);
    const late = Date.now() - at;
    assert.ok(late < soon, `${scenario}: ended after ${late} ms`);
  }
});

async function isEnded(programs: Program[]): Promise<string[]> {
  const ended = await Promise.all(programs.map(async ({ ended }) => !(await isPending(ended, 1))));
  return staying.filter((_, i) => ended[i]);
}
