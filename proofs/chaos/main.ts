/** `bun proofs/chaos/main.ts`, or with Deno: kills and stops victims in both runtimes. See README.md. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { quantileSorted } from "simple-statistics";
import { describeMachine } from "../../bench/machine.ts";
import { thisRuntime } from "../../tests/support/program.ts";
import { crowdAtFanIn, crowdAtServer } from "./crowd.ts";
import { type Figures, runRounds } from "./run.ts";

const help = `usage: main.ts [options]

Kills and stops processes of Bun and Deno at the other end of a channel or an RPC of this one.

  --kills N    kills to come to (default 500)
  --stops N    stops to come to (default 100)
  --storms N   rounds in a storm of signals (default 30)
  --crowds N   kills among the clients of one server, and as many among the producers of one fan-in
               (default 100)
  --seed S     where the random numbers start from (default: the time)
  --json FILE  write the figures there
  --help       print this`;

const progressEvery = 50;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: "string", default: "500" },
      stops: { type: "string", default: "100" },
      storms: { type: "string", default: "30" },
      crowds: { type: "string", default: "100" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(help);
  const seed = numberOf("--seed", values.seed);
  const folder = mkdtempSync(join(tmpdir(), "zerocross-chaos-"));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", removeFolder);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  console.log(`chaos in ${thisRuntime}: seed ${seed}`);
  const begun = performance.now();
  const figures = await runRounds({
    seed,
    folder,
    wanted: {
      kill: numberOf("--kills", values.kills),
      stop: numberOf("--stops", values.stops),
      storm: numberOf("--storms", values.storms),
    },
    onRound: ({ rounds, struck: { kill, stop, storm } }) => {
      if (rounds % progressEvery === 0)
        console.log(`${kill} kills, ${stop} stops, ${storm} storms`);
    },
  });
  const crowd = { seed, folder, kills: numberOf("--crowds", values.crowds) };
  const crowds = {
    killsEach: crowd.kills,
    answeredMeanwhile: await crowdAtServer(crowd),
    receivedMeanwhile: await crowdAtFanIn(crowd),
  };
  const elapsed = performance.now() - begun;
  const result = { runtime: thisRuntime, seed, ...summary(figures, elapsed), crowds };
  console.log(JSON.stringify(result, null, 2));
  if (values.json)
    writeFileSync(values.json, `${JSON.stringify({ ...result, machine: describeMachine() })}\n`);
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`${name} takes a number, 0 or more, not ${text}; see --help`);
  process.exit(2);
}

function summary({ noticed, ...figures }: Figures, elapsed: number) {
  const sorted = noticed.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted.length === 0 ? null : quantileSorted(sorted, share));
  return {
    ...figures,
    seconds: elapsed / 1000,
    noticedMs: { count: sorted.length, median: at(0.5), p99: at(0.99), max: at(1) },
  };
}

await main();
// What a runtime keeps for its children is not waited for.
process.exit(0);
