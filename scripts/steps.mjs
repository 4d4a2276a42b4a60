// Runs steps one after the other, and tells at the end what each came to.

import { runCommand } from "./command.mjs";
import { installTools } from "./install.mjs";

/** Of a step that cannot be run here, and has said why. */
const skipCode = 77;

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {object} Step
 * @property {string} name
 * @property {string[]} command
 * @property {number} seconds The time limit.
 * @property {boolean} [beside] Runs beside the step before: neither minds who else wants the cores.
 * @property {{ passed: RegExp, failed: RegExp, skipped: RegExp }} [summary] How a test runner words
 *   its counts; any other step counts as one test.
 */

/**
 * Runs the steps that are named, or all. A step that fails does not stop those after it; the exit code
 * tells at the end.
 *
 * @param {Step[]} steps
 * @param {string[]} names
 */
export async function runSteps(steps, names) {
  const chosen = choose(steps, names);
  await installTools();
  const results = [];
  for (const group of groupsOf(chosen)) {
    if (group.length > 1) {
      const names = group.map(({ name }) => name).join(", ");
      console.log(`\n=== ${names}: beside each other; each is shown when it has ended`);
    }
    results.push(...(await Promise.all(group.map((step) => runStep(step, group.length === 1)))));
  }
  report(results);
}

/**
 * Those that run beside each other.
 *
 * @param {Step[]} steps
 */
function groupsOf(steps) {
  /** @type {Step[][]} */
  const groups = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (step.beside && last !== undefined) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

/**
 * @param {Step[]} steps
 * @param {string[]} names
 */
function choose(steps, names) {
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    const known = steps.map((step) => step.name).join(", ");
    console.error(`No step is called ${unknown.join(", ")}; there are ${known}.`);
    process.exit(2);
  }
  return names.length === 0 ? steps : steps.filter((step) => names.includes(step.name));
}

/**
 * @param {Step} step
 * @param {boolean} isAlone Otherwise its output is shown when it has ended, so that it stays together.
 */
async function runStep({ name, command, seconds, summary }, isAlone) {
  const title = `\n=== ${name}: ${shorten(command.join(" "))}`;
  if (isAlone) console.log(title);
  const start = performance.now();
  let output = "";
  const code = await runCommand(command, {
    seconds,
    onOutput: (chunk, stream) => {
      if (isAlone) process[stream].write(chunk);
      output += chunk.toString();
    },
  });
  const elapsed = `${((performance.now() - start) / 1000).toFixed(1)} s`;
  if (!isAlone) console.log(`${title}\n${output}`);
  if (code === 124) console.error(`${name} was ended after its limit of ${seconds} s.`);
  const counts = summary ? countTests(output, summary) : countOne(code);
  // A runner that crashed, or that found nothing to run, reports no failure of its own.
  const isSkipped = !summary && code === skipCode;
  const isBroken = !isSkipped && (code !== 0 || counts.passed === 0);
  if (isBroken && counts.failed === 0) counts.failed = 1;
  console.log(
    `=== ${name}: ${counts.failed === 0 ? "ok" : `failed, exit code ${code}`}, ${elapsed}`,
  );
  return { name, elapsed, ...counts };
}

/** @param {string} text */
function shorten(text) {
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

/**
 * @param {number} code
 * @returns {Counts}
 */
function countOne(code) {
  return { passed: Number(code === 0), failed: 0, skipped: Number(code === skipCode) };
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
    console.log(`${verdict}  ${name.padEnd(10)} ${elapsed.padStart(8)}  ${describe(counts)}`);
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
