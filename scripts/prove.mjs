// `npm run prove` runs the long form of everything that `npm test` holds a short form of.

import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { zigBuild } from "./command.mjs";
import { runSteps } from "./steps.mjs";

const help = `npm run prove -- [--results FOLDER] [steps]

Runs the long form of every proof that docs/reliability.md has figures of, or of the named steps:

  programs      builds the native programs that the others run
  model         every interleaving of the protocol's model, and of the model with a rule taken out
  threads       two threads over one arena, under ThreadSanitizer and with Zig's own checks
  fuzz          30 minutes of coverage-guided fuzzing for each thing that a peer can write
  api-bun       a million random calls of the public API in Bun
  api-deno      and in Deno
  chaos         kills and stops at every marked step, and signal storms
  chaos-bun     the same to the public API, the survivors in Bun
  chaos-deno    and in Deno
  races         the socket's file is exchanged while it is listened on, 3000 times
  soak          20 minutes of mixed load, every message checked
  coverage-zig  which lines of zig/ the tests reach
  coverage-src  and of src/ and ffi/

  --results FOLDER  keep each step's figures there, as JSON
  --help            this text

More than three hours in all, nearly half of it fuzzing. Ctrl-C ends it and whatever it has started.`;

const { values, positionals } = parse();
if (values.help) {
  console.log(help);
  process.exit();
}
const folder = values.results === undefined ? undefined : resolve(values.results);
if (folder !== undefined) mkdirSync(folder, { recursive: true });

const apiFuzz = ["proofs/api-fuzz/main.ts", "--calls", "1000000"];
const chaos = [
  "proofs/chaos/main.ts",
  "--kills",
  "500",
  "--stops",
  "100",
  "--storms",
  "40",
  "--crowds",
  "100",
];

/** @type {import("./steps.mjs").Step[]} */
const steps = [
  {
    name: "programs",
    command: zigBuild("install", "restrict", "chaos"),
    seconds: 600,
  },
  { name: "model", command: ["node", "proofs/model/check.mjs", ...keep("model")], seconds: 2400 },
  {
    name: "threads",
    command: ["bun", "proofs/threads/run.ts", "--seconds", "300", ...keep("threads")],
    seconds: 2000,
  },
  {
    name: "fuzz",
    command: ["node", "proofs/fuzz/run.mjs", "--minutes", "30", ...keep("fuzz")],
    seconds: 6600,
  },
  {
    name: "api-bun",
    command: ["bun", ...apiFuzz, ...keep("api-bun")],
    seconds: 3600,
  },
  {
    name: "api-deno",
    command: ["deno", "run", "--allow-all", "--no-check", ...apiFuzz, ...keep("api-deno")],
    seconds: 3600,
  },
  {
    name: "chaos",
    command: [
      "zig-out/bin/chaos",
      "--kills",
      "5000",
      "--stops",
      "2000",
      "--storms",
      "300",
      ...keep("chaos"),
    ],
    seconds: 1200,
  },
  {
    name: "chaos-bun",
    command: ["bun", ...chaos, ...keep("chaos-bun")],
    seconds: 1200,
  },
  {
    name: "chaos-deno",
    command: ["deno", "run", "--allow-all", "--no-check", ...chaos, ...keep("chaos-deno")],
    seconds: 1200,
  },
  {
    name: "races",
    command: [
      "env",
      "ZEROCROSS_ROUNDS=3000",
      "bun",
      "test",
      "--timeout",
      "400000",
      "./tests/rendezvous/who-gets-in-races.test.ts",
    ],
    seconds: 900,
  },
  {
    name: "soak",
    command: ["bun", "proofs/soak/main.ts", "--minutes", "20", ...keep("soak")],
    seconds: 1500,
  },
  {
    name: "coverage-zig",
    command: ["node", "proofs/coverage/core.mjs", ...keep("coverage-zig")],
    seconds: 2400,
  },
  {
    name: "coverage-src",
    command: ["node", "proofs/coverage/source.mjs", ...keep("coverage-src")],
    seconds: 2400,
  },
];

await runSteps(steps, positionals);

function parse() {
  try {
    return parseArgs({
      options: { results: { type: "string" }, help: { type: "boolean", short: "h" } },
      allowPositionals: true,
    });
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}\n\n${help}`);
    process.exit(2);
  }
}

/**
 * Where a step keeps its figures.
 *
 * @param {string} step
 */
function keep(step) {
  return folder === undefined ? [] : ["--json", join(folder, `${step}.json`)];
}
