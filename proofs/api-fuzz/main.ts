/**
 * Random sequences of calls with random arguments, in a process of their own that must not die of
 * any. When it does, or answers what it must not, the sequence is shrunk and printed.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { describeMachine } from "../../bench/machine.ts";
import { thisRuntime } from "../../tests/support/program.ts";
import { type Origin, sequencesOf } from "./player.ts";
import type { Sequence } from "./sequence.ts";
import { playAlone, shrink } from "./shrink.ts";
import { killChildren, runChild } from "./watch.ts";

const help = `Fuzzes the public API under the runtime that it is started with.

  bun proofs/api-fuzz/main.ts [options]
  deno run -A --no-check proofs/api-fuzz/main.ts [options]

  --calls N      how many calls are made at least (default 20000)
  --seed N       which random numbers (default: others every time)
  --path PATH    plays only the one sequence of the seed that a report has named
  --threads N    threads that play at once (default 3)
  --json FILE    writes the figures there
  --help         prints this
`;

/** Milliseconds between two lines on how far it is. */
const progressEvery = 10_000;

const { values: options } = parseArgs({
  options: {
    calls: { type: "string", default: "20000" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    path: { type: "string" },
    threads: { type: "string", default: "3" },
    json: { type: "string" },
    help: { type: "boolean" },
  },
});
const folder = mkdtempSync(join(tmpdir(), "zerocross-api-fuzz-"));
process.on("exit", () => {
  killChildren();
  rmSync(folder, { recursive: true });
});
for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143 })) {
  process.on(signal, () => {
    console.error(`Ended by ${signal}.`);
    process.exit(code);
  });
}

if (options.help) console.log(help);
else if (options.path !== undefined) await replay({ seed: whole("seed", 0), path: options.path });
else await fuzz();
process.exit(process.exitCode ?? 0);

function whole(name: "calls" | "seed" | "threads", min: number): number {
  const value = Number(options[name]);
  if (Number.isSafeInteger(value) && value >= min) return value;
  console.error(`--${name} is ${options[name]}; expected a whole number, ${min} or more`);
  process.exit(2);
}

async function fuzz(): Promise<void> {
  const [calls, seed, threads] = [whole("calls", 1), whole("seed", 0), whole("threads", 1)];
  console.log(`${thisRuntime}: at least ${calls} calls in ${threads} threads, --seed ${seed}`);
  const start = performance.now();
  let saidAt = start;
  const end = await runChild({ seed, calls, threads, notes: folder }, (made) => {
    if (performance.now() - saidAt < progressEvery) return;
    saidAt = performance.now();
    console.log(`${made} calls after ${((saidAt - start) / 1000).toFixed(0)} s`);
  });
  const seconds = (performance.now() - start) / 1000;
  if (end.problem !== undefined) {
    console.log(`After ${seconds.toFixed(0)} s something went wrong: ${end.problem}`);
    await explain(end.failure?.path === undefined ? notedOrigins() : [end.failure as Origin]);
    process.exitCode = 1;
    return;
  }
  const { tally, rounds, terminated } = end.done as NonNullable<typeof end.done>;
  const made = Object.values(tally).reduce((all, count) => all + count, 0);
  console.log(`${made} calls in ${seconds.toFixed(0)} s: nothing died, hung or answered wrongly.`);
  if (options.json === undefined) return;
  const figures = { runtime: thisRuntime, seed, threads, calls: made, seconds, rounds, terminated };
  const report = { ...figures, tally, machine: describeMachine() };
  writeFileSync(options.json, `${JSON.stringify(report)}\n`);
}

/** What each thread was about to play when the process ended. */
function notedOrigins(): Origin[] {
  const notes = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  // One is empty when the process ended while it was written.
  return notes.filter((note) => note !== "").map((note) => JSON.parse(note));
}

async function explain(origins: readonly Origin[]): Promise<void> {
  for (const origin of origins) {
    console.log(`Playing --seed ${origin.seed} --path ${origin.path} alone, and shrinking it...`);
    const shrunk = await shrink(origin, folder);
    if (shrunk === undefined) {
      console.log("Alone it goes well.");
      continue;
    }
    const { seed, path, sequence, problem } = shrunk;
    console.log(`The shortest sequence that goes wrong:\n${describe(sequence)}`);
    console.log(`What happens: ${problem}`);
    console.log(`To play it again: --seed ${seed} --path ${path}`);
  }
}

async function replay(origin: Origin): Promise<void> {
  const [sequence] = sequencesOf(origin, 1) as [Sequence];
  console.log(describe(sequence));
  const problem = await playAlone(sequence, folder);
  console.log(problem ?? "It goes well.");
  if (problem !== undefined) process.exitCode = 1;
}

function describe({ opening, commands }: Sequence): string {
  const lines = commands.map(({ name, pick, args }) => {
    return `  ${name} (${pick}) ${args.map((arg) => JSON.stringify(arg)).join(", ")}`;
  });
  return [`  open (${opening})`, ...lines].join("\n");
}
