// `npm test` runs every step below, `npm test -- <names>` the named ones. A step that fails does not
// stop those after it; the exit code tells at the end.

import { availableParallelism } from "node:os";
import { runCommand, zigBuild } from "./command.mjs";
import { installTools } from "./install.mjs";

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {object} Step
 * @property {string} name
 * @property {string[]} command
 * @property {number} seconds The time limit.
 * @property {{ passed: RegExp, failed: RegExp, skipped: RegExp }} [summary] How a test runner words
 *   its counts; any other step counts as one test.
 */

const bunSummary = {
  passed: /^ *(\d+) pass$/gm,
  failed: /^ *(\d+) fail$/gm,
  skipped: /^ *(\d+) skip$/gm,
};

/** @type {Step[]} */
const steps = [
  { name: "library", command: zigBuild(), seconds: 180 },
  { name: "lint", command: npmRun("lint"), seconds: 60 },
  { name: "types", command: npmRun("check"), seconds: 60 },
  { name: "table", command: npmRun("generate", "--check"), seconds: 60 },
  {
    name: "zig",
    command: zigBuild("test", "--summary", "line"),
    seconds: 180,
    summary: {
      passed: /(\d+)\/\d+ tests passed/g,
      failed: /\/\d+ tests passed.*?(\d+) failed/g,
      skipped: /\/\d+ tests passed.*?(\d+) skipped/g,
    },
  },
  {
    name: "bun",
    command: ["bun", "test", "--timeout", "60000", "./tests"],
    seconds: 360,
    summary: bunSummary,
  },
  {
    name: "deno",
    command: ["deno", "test", "--allow-all", "--no-check", "./tests"],
    seconds: 360,
    summary: {
      passed: / \| (\d+) passed/g,
      failed: / \| (\d+) failed/g,
      skipped: / \| (\d+) ignored/g,
    },
  },
  {
    // A program of Bun's, run once.
    name: "bench",
    command: ["bun", "test", "--timeout", "150000", "./bench"],
    seconds: 300,
    summary: bunSummary,
  },
  { name: "demo", command: ["bun", "examples/demo/main.ts", "--small"], seconds: 60 },
];

const chosen = chosenSteps(process.argv.slice(2));
await installTools();
console.log(
  `${availableParallelism()} cores available; tests that need two say so when they skip.`,
);
const results = [];
for (const step of chosen) results.push(await runStep(step));
report(results);

/** @param {string[]} names */
function chosenSteps(names) {
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    const known = steps.map((step) => step.name).join(", ");
    console.error(`No step is called ${unknown.join(", ")}; there are ${known}.`);
    process.exit(2);
  }
  return names.length === 0 ? steps : steps.filter((step) => names.includes(step.name));
}

/**
 * @param {string} script
 * @param {string[]} args
 */
function npmRun(script, ...args) {
  return ["npm", "run", "--silent", script, "--", ...args];
}

/** @param {Step} step */
async function runStep({ name, command, seconds, summary }) {
  console.log(`\n=== ${name}: ${command.join(" ")}`);
  const start = performance.now();
  let output = "";
  const code = await runCommand(command, {
    seconds,
    onOutput: (chunk, stream) => {
      process[stream].write(chunk);
      output += chunk.toString();
    },
  });
  const elapsed = `${((performance.now() - start) / 1000).toFixed(1)} s`;
  if (code === 124) console.error(`${name} was ended after its limit of ${seconds} s.`);
  const counts = summary
    ? countTests(output, summary)
    : { passed: code === 0 ? 1 : 0, failed: 0, skipped: 0 };
  // A runner that crashed, or that found nothing to run, reports no failure of its own.
  const broken = code !== 0 || counts.passed === 0;
  if (broken && counts.failed === 0) counts.failed = 1;
  console.log(
    `=== ${name}: ${counts.failed === 0 ? "ok" : `failed, exit code ${code}`}, ${elapsed}`,
  );
  return { name, elapsed, ...counts };
}

/**
 * @param {string} output
 * @param {NonNullable<Step["summary"]>} summary
 * @returns {Counts}
 */
function countTests(output, { passed, failed, skipped }) {
  return {
    passed: lastNumber(output, passed),
    failed: lastNumber(output, failed),
    skipped: lastNumber(output, skipped),
  };
}

/**
 * The summary stands last, whatever a test may have printed before it.
 *
 * @param {string} output
 * @param {RegExp} pattern
 */
function lastNumber(output, pattern) {
  return Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);
}

/** @param {(Counts & { name: string, elapsed: string })[]} results */
function report(results) {
  console.log("");
  for (const { name, elapsed, ...counts } of results) {
    const verdict = counts.failed === 0 ? "ok    " : "FAILED";
    console.log(`${verdict}  ${name.padEnd(8)} ${elapsed.padStart(8)}  ${describe(counts)}`);
  }
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of results) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  console.log(`\n${describe(total)}`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

/** @param {Counts} counts */
function describe({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
