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

const denoSummary = {
  passed: / \| (\d+) passed/g,
  failed: / \| (\d+) failed/g,
  skipped: / \| (\d+) ignored/g,
};

const files = readdirSync(join(root, "tests"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => `./tests/${name}`)
  .sort();

/** The race is a program of Bun's and has a step of its own. */
const bench = files.filter(startsWith("bench/"));

/** They say how long something takes, so the cores are theirs alone. */
const timed = files.filter(
  startsWith(
    "loop/",
    "channel/async",
    "channel/cancel",
    "channel/deaths",
    "channel/ends",
    "channel/leaving",
    "rendezvous/folder-lock",
    "rendezvous/rendezvous",
    "rpc/deadlines",
    "rpc/deaths",
    "rpc/ends",
    "rpc/life",
  ),
);
const others = files.filter((file) => !bench.includes(file) && !timed.includes(file));

/** They look at files, or from outside at processes of both runtimes: Bun is enough to run them. */
const isForBoth = startsWith(
  "ffi/library",
  "loop/costs",
  "project/commands",
  "project/demo",
  "project/examples",
  "project/latency-document",
  "project/package",
  "project/reliability-document",
  "project/tidy",
  "proofs/fuzz-corpus",
  "proofs/soak",
);
const inDeno = (/** @type {string} */ file) => !isForBoth(file);

/** @type {import("./steps.mjs").Step[]} */
const steps = [
  { name: "library", command: zigBuild("install", "restrict"), seconds: 240 },
  // Its largest program takes one core for long.
  { name: "programs", command: zigBuild("bench", "chaos"), seconds: 300 },
  { name: "lint", command: npmRun("lint"), seconds: 240, beside: true },
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
    seconds: 240,
    beside: true,
  },
  {
    // A step of its own, since it is skipped where Debian's packages cannot be had.
    name: "tsan",
    command: ["bun", "proofs/threads/run.ts", "--seconds", "4", "threads-tsan"],
    seconds: 300,
    beside: true,
  },
  { name: "chaos", command: ["zig-out/bin/chaos", "--storms", "30"], seconds: 120 },
  { name: "bun", command: bunTest("60000", others), seconds: 400, summary: bunSummary },
  {
    name: "deno",
    command: denoTest(others.filter(inDeno)),
    seconds: 400,
    summary: denoSummary,
    beside: true,
  },
  {
    name: "bench",
    command: bunTest("150000", bench),
    seconds: 400,
    summary: bunSummary,
    beside: true,
  },
  { name: "bun-timed", command: bunTest("60000", timed), seconds: 240, summary: bunSummary },
  {
    name: "deno-timed",
    command: denoTest(timed.filter(inDeno)),
    seconds: 240,
    summary: denoSummary,
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

/**
 * @param {string} timeout Of a test, in milliseconds.
 * @param {string[]} tests
 */
function bunTest(timeout, tests) {
  return ["bun", "test", "--timeout", timeout, ...tests];
}

/** @param {string[]} tests */
function denoTest(tests) {
  return ["deno", "test", "--allow-all", "--no-check", ...tests];
}

/** @param {string[]} starts Of paths below tests/. */
function startsWith(...starts) {
  return (/** @type {string} */ file) =>
    starts.some((start) => file.startsWith(`./tests/${start}`));
}
