#!/usr/bin/env node
// Checks every model of the protocol exhaustively, and that each step of it matters.

import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findSpin, runCheck } from "./pan.mjs";
import { planChecks } from "./plan.mjs";
import { checkReferences } from "./references.mjs";

const help = `node proofs/model/check.mjs [--short] [--only TEXT] [--json FILE]

Checks the models of the protocol with spin, each in all of its states, on x86-TSO and on a weak memory.
Then leaves out each fence and each second look in turn: such a check has to fail.

  --short       smaller numbers and no mutants: still all states, in seconds instead of minutes
  --only TEXT   only the checks whose line has TEXT in it
  --json FILE   write the figures to FILE
  --help        this text

Exit code: 0 all as it should be, 1 not so, 77 it could not be checked.
The spin that is used is that of SPIN in the environment, the first on the path, or Debian's. zig compiles.`;

const models = dirname(fileURLToPath(import.meta.url));
const inParallel = 2;

const { values: options } = readOptions();
if (options.help) {
  console.log(help);
  process.exit();
}

const references = checkReferences(models, join(models, "../../zig"));
for (const message of references.missing) console.error(message);
console.log(
  `${references.count} lines of the models name a line of zig/; ${references.missing.length} of those are not there`,
);

const spin = chooseSpin();

const stop = new AbortController();
for (const name of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.once(name, () => {
    stop.abort();
    process.exitCode = 130;
  });
}

const plan = planChecks(options.short).filter((check) => titleOf(check).includes(options.only));
if (plan.length === 0) {
  console.error(`checking the models: no check's line has ${JSON.stringify(options.only)} in it`);
  process.exit(1);
}
const started = performance.now();
const results = await runAll();
const seconds = (performance.now() - started) / 1000;
const failed = results.filter(({ isGood }) => !isGood);
const mutants = results.filter(({ mutant }) => mutant !== undefined).length;
console.log(
  `\n${results.length - mutants} models and ${mutants} mutants in ${seconds.toFixed(0)} s; ` +
    `${failed.length} not as they should be${failed.map((check) => `\n  ${titleOf(check)}: ${check.verdict}`).join("")}`,
);
if (options.json !== undefined) {
  const figures = { isShort: options.short, seconds, references: references.count, results };
  writeFileSync(options.json, `${JSON.stringify(figures)}\n`);
}
if (failed.length > 0 || references.missing.length > 0) process.exitCode = 1;

function chooseSpin() {
  try {
    return findSpin();
  } catch (error) {
    console.error(`checking the models: ${/** @type {Error} */ (error).message}`);
    process.exit(77);
  }
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        short: { type: "boolean", default: false },
        only: { type: "string", default: "" },
        json: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}\n\n${help}`);
    process.exit(2);
  }
}

async function runAll() {
  console.log(row(["model", "memory", "states", "transitions", "depth", "s", "verdict"]));
  /** @type {(import("./plan.mjs").Check & import("./pan.mjs").Result & ReturnType<typeof judge>)[]} */
  const done = [];
  const waiting = plan.values();
  /** @param {string} program */
  const work = async (program) => {
    for (const check of waiting) {
      const result = await runCheck(program, models, check, stop.signal);
      const judged = { ...check, ...result, ...judge(check, result) };
      done.push(judged);
      const { memory, states, transitions, depth, verdict, trail } = judged;
      console.log(
        row([
          check.mutant ?? check.name,
          memory,
          states,
          transitions,
          depth,
          result.seconds.toFixed(1),
          verdict,
        ]),
      );
      for (const step of trail) console.log(`    ${step}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: inParallel }, () => work(spin)));
  } catch (error) {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
    console.error(`checking the models: ${/** @type {Error} */ (error).message}`);
    process.exit(2);
  }
  return done;
}

/**
 * @param {import("./plan.mjs").Check} check
 * @param {import("./pan.mjs").Result} result
 */
function judge({ mutant }, { error, isWhole, depth }) {
  if (!isWhole) return { isGood: false, verdict: "not all states were visited" };
  // Limits of the model itself prove nothing about the protocol.
  if (error !== undefined && /pick<|array|index/.test(error))
    return { isGood: false, verdict: `the model is too small: ${error}` };
  if (mutant === undefined) return { isGood: error === undefined, verdict: error ?? "holds" };
  if (error === undefined) return { isGood: false, verdict: "survived" };
  return { isGood: true, verdict: `found, ${/at depth (\d+)/.exec(error)?.[1] ?? depth} steps` };
}

/** @param {import("./plan.mjs").Check} check */
function titleOf({ name, memory, mutant }) {
  return `${name} ${memory}${mutant === undefined ? "" : ` ${mutant}`}`;
}

/** @param {(string | number)[]} cells */
function row(cells) {
  const widths = [24, 6, 10, 12, 7, 6];
  return cells
    .map((cell, i) => {
      const width = widths[i] ?? 0;
      return i < 2
        ? String(cell).padEnd(width)
        : i < 6
          ? String(cell).padStart(width)
          : String(cell);
    })
    .join("  ");
}
