// One check: spin makes a program of a model, zig compiles it, and the program visits every state.

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { unpackDebianPackage } from "../../scripts/debian.mjs";

/** Steps that a run of a model may have. Reaching it fails the check. */
const depthMax = 1_000_000;
const memoryMaxMiB = 6000;
const trailLinesMax = 60;

/** @type {Set<string>} */
const folders = new Set();
process.on("exit", () => folders.forEach(removeFolder));

/** @typedef {{ code: number, output: string }} Finished */

/**
 * @typedef {object} Result
 * @property {number} states Different states that were stored.
 * @property {number} transitions
 * @property {number} depth The longest path, in steps.
 * @property {number} seconds
 * @property {string} [error] What the check found; none when all is well.
 * @property {boolean} isWhole All states were visited, or an error was found before.
 * @property {string[]} trail The last steps to the error.
 */

/**
 * The spin of SPIN in the environment, or the first on the path, or else Debian's.
 *
 * @throws {Error} When there is none of these.
 */
export function findSpin() {
  const { SPIN, PATH = "" } = process.env;
  if (SPIN !== undefined) return SPIN;
  const onPath = PATH.split(delimiter).map((folder) => join(folder, "spin"));
  return onPath.find(existsSync) ?? join(unpackDebianPackage("spin"), "usr", "bin", "spin");
}

/**
 * @param {string} spin
 * @param {string} models The folder of the models.
 * @param {import("./plan.mjs").Check} check
 * @param {AbortSignal} signal
 * @returns {Promise<Result>}
 */
export async function runCheck(spin, models, { model, memory, flags, mutant }, signal) {
  const folder = mkdtempSync(join(tmpdir(), "zerocross-model-"));
  folders.add(folder);
  const start = performance.now();
  try {
    const names = [
      ...flags,
      ...(memory === "weak" ? ["WEAK"] : []),
      ...(mutant === undefined ? [] : [mutant]),
    ];
    const source = join(models, `${model}.pml`);
    const preprocess = `-Pzig cc -E -x c -I${models}`;
    const defines = names.map((name) => `-D${name}`);
    /** @param {string} program @param {string[]} args */
    const run = (program, args) => finish(program, args, folder, signal);
    await must(run(spin, [preprocess, ...defines, "-a", source]));
    // Without partial order reduction: the memory is shared by every step, so there is nothing to reduce.
    const options = ["-DSAFETY", "-DNOREDUCE", "-DCOLLAPSE", `-DMEMLIM=${memoryMaxMiB}`];
    // Steps of the memory are large: optimising them takes longer than it saves. With -O0 alone Zig would
    // build its own runtime in Debug, for half a minute.
    const plain = ["-O1", "-Xclang", "-O0", "-fno-sanitize=all", "-w"];
    await must(run("zig", ["cc", ...plain, ...options, "-o", "pan", "pan.c"]));
    const { output } = await run(join(folder, "pan"), [`-m${depthMax}`, "-w20"]);
    const result = read(output, (performance.now() - start) / 1000);
    if (result.error === undefined || mutant !== undefined) return result;
    const trail = ["-t", "-p", "-k", join(folder, `${model}.pml.trail`)];
    const told = await run(spin, [preprocess, ...defines, ...trail, source]);
    return { ...result, trail: shorten(told.output, models) };
  } finally {
    removeFolder(folder);
  }
}

/** @param {string} folder */
function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} cwd
 * @param {AbortSignal} signal
 * @returns {Promise<Finished & { command: string }>}
 */
function finish(program, args, cwd, signal) {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, signal, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") return reject(error);
      const code = error === null ? 0 : Number(error.code);
      resolve({ code, output: stdout + stderr, command: [program, ...args].join(" ") });
    });
  });
}

/** @param {Promise<Finished & { command: string }>} running */
async function must(running) {
  const { code, output, command } = await running;
  if (code !== 0) throw new Error(`${command}\nended with ${code}:\n${output.slice(0, 2000)}`);
}

/**
 * @param {string} output Of pan.
 * @param {number} seconds
 * @returns {Result}
 */
function read(output, seconds) {
  /** @param {RegExp} pattern */
  const number = (pattern) => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const error = /^pan:\d+: (.*)$/m.exec(output)?.[1];
  const isCut = /Search not completed|max search depth too small|out of memory|pan: reached/.test(
    output,
  );
  return {
    states: number(/^\s*(\d+) states, stored/m),
    transitions: number(/^\s*(\d+) transitions/m),
    depth: number(/depth reached (\d+)/),
    seconds,
    ...(error === undefined ? {} : { error }),
    isWhole: error !== undefined || (!isCut && /errors: 0/.test(output)),
    trail: [],
  };
}

/**
 * The last steps of the protocol; those of the memory are left out.
 *
 * @param {string} output
 * @param {string} models
 */
function shorten(output, models) {
  const steps = output
    .split("\n")
    .filter((line) => /\bproc +\d/.test(line) && !line.includes("memory-"));
  return steps.slice(-trailLinesMax).map((line) => line.replace(`${models}/`, "").trim());
}
