// `npm test` runs every step below, `npm test -- <names>` the named ones.

import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { zigBuild } from "./command.mjs";
import { root } from "./environment.mjs";
import { runSteps } from "./steps.mjs";

const bunSummary = {
  passed: /^ *(\d+) pass$/gm,
  failed: /^ *(\d+) fail$/gm,
  skipped: /^ *(\d+) skip$/gm,
};

/** They look at files, or from outside at processes of both runtimes: Bun is enough to run them. */
const once = [
  "tests/bench",
  "tests/project/commands.test.ts",
  "tests/project/demo.test.ts",
  "tests/project/examples.test.ts",
  "tests/loop/costs.test.ts",
  "tests/proofs/fuzz-corpus.test.ts",
  "tests/project/latency-document.test.ts",
  "tests/ffi/library.test.ts",
  "tests/project/package.test.ts",
  "tests/project/reliability-document.test.ts",
  "tests/project/tidy.test.ts",
  "tests/proofs/soak.test.ts",
];

/** What measures has a step of its own. */
const suites = readdirSync(join(root, "tests"))
  .filter((name) => name !== "bench")
  .map((name) => `./tests/${name}`);

/** @type {import("./steps.mjs").Step[]} */
const steps = [
  // At once, so that both cores have work from the first second on.
  {
    name: "library",
    command: zigBuild("install", "restrict", "chaos", "bench", "threads-debug"),
    seconds: 300,
  },
  { name: "lint", command: npmRun("lint"), seconds: 240 },
  { name: "types", command: npmRun("check"), seconds: 240, beside: true },
  { name: "table", command: npmRun("generate", "--check"), seconds: 240, beside: true },
  {
    name: "model",
    command: ["node", "proofs/model/check.mjs", "--short"],
    seconds: 240,
    beside: true,
  },
  {
    name: "zig",
    command: zigBuild("test", "--summary", "line"),
    seconds: 300,
    beside: true,
    summary: {
      passed: /(\d+)\/\d+ tests passed/g,
      failed: /\/\d+ tests passed.*?(\d+) failed/g,
      skipped: /\/\d+ tests passed.*?(\d+) skipped/g,
    },
  },
  {
    name: "threads",
    command: ["bun", "proofs/threads/run.ts", "--seconds", "4", "threads-debug"],
    seconds: 180,
  },
  {
    // A step of its own, since it is skipped where Debian's packages cannot be had.
    name: "tsan",
    command: ["bun", "proofs/threads/run.ts", "--seconds", "4", "threads-tsan"],
    seconds: 180,
  },
  { name: "chaos", command: ["zig-out/bin/chaos", "--storms", "30"], seconds: 120 },
  {
    name: "bun",
    command: ["bun", "test", "--timeout", "60000", ...suites],
    seconds: 360,
    summary: bunSummary,
  },
  {
    name: "deno",
    // Of several folders Deno 2.9 would forget what it is to leave out.
    command: ["deno", "test", "--allow-all", "--no-check", `--ignore=${once.join()}`, "./tests"],
    seconds: 360,
    summary: {
      passed: / \| (\d+) passed/g,
      failed: / \| (\d+) failed/g,
      skipped: / \| (\d+) ignored/g,
    },
  },
  {
    // The race is a program of Bun's, run once.
    name: "bench",
    command: ["bun", "test", "--timeout", "150000", "./tests/bench"],
    seconds: 300,
    summary: bunSummary,
  },
  { name: "demo", command: ["bun", "examples/demo/main.ts", "--small"], seconds: 60 },
];

console.log(
  `${availableParallelism()} cores available; tests that need two say so when they skip.`,
);
await runSteps(steps, process.argv.slice(2));

/**
 * @param {string} script
 * @param {string[]} args
 */
function npmRun(script, ...args) {
  return ["npm", "run", "--silent", script, "--", ...args];
}
