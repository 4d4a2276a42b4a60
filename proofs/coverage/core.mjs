// `node proofs/coverage/core.mjs` runs all tests against a library that notes the lines it comes to, and
// prints those of zig/ that none of them reached.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCommand, zigBuild } from "../../scripts/command.mjs";
import { root } from "../../scripts/environment.mjs";
import { countLines } from "./core-lines.mjs";
import { forgetPlaces, readPlaces } from "./places.mjs";
import { copyTree } from "./scratch.mjs";

const help = `node proofs/coverage/core.mjs [--json FILE]

Builds the core so that it notes the lines it comes to, runs the unit tests, and all tests of Bun and Deno
against that library in a copy of the tree; then prints the lines of zig/ that nothing reached. Takes
about ten minutes. proofs/coverage/unreached.json says of lines why no test can reach them; ends with 1
when there are others.

  --json FILE  writes the figures there
  --help       this text`;

const suites = [
  ["bun", "test", "--timeout", "60000", "./tests"],
  ["deno", "test", "--allow-all", "--no-check", "./tests"],
];
const suiteSeconds = 1200;

const options = parse();
if (options.help) {
  console.log(help);
  process.exit();
}
if (process.arch !== "x64") {
  console.log("Skipped: the breakpoints of proofs/coverage/runtime.zig are those of x86-64.");
  process.exit(77);
}
await measure();

async function measure() {
  const binaries = join(root, "zig-out", "coverage");
  const maps = ["library", "tests"].map((name) => join(binaries, `${name}.map`));
  await run(zigBuild("coverage"), root, 600);
  for (const map of maps) forgetPlaces(map);
  const tree = copyTree(join(binaries, "library"));
  await run([join(binaries, "tests")], tree, suiteSeconds);
  for (const suite of suites) await run(suite, tree, suiteSeconds);

  const [library = [], tests = []] = maps.map(readPlaces);
  const reasons = JSON.parse(readFileSync(join(import.meta.dirname, "unreached.json"), "utf8"));
  report(countLines(join(tree, "zig"), library, tests, reasons));
}

/**
 * A test that fails here need not: the library is slower by its checks and by a signal for each line.
 *
 * @param {string[]} command
 * @param {string} folder
 * @param {number} seconds
 */
async function run(command, folder, seconds) {
  console.log(`=== ${command.join(" ")}`);
  const code = await runCommand(["env", "-C", folder, ...command], { seconds });
  if (code !== 0) console.log(`=== ended with ${code}; what it reached counts all the same`);
}

/** @param {import("./core-lines.mjs").CoreFile[]} files */
function report(files) {
  console.log(`\n${row("file", "lines", "reached", "percent", "places reached")}`);
  for (const file of files) console.log(rowOf(file));
  const total = files.reduce(add);
  console.log(rowOf({ ...total, name: "all" }));

  for (const file of files) {
    for (const { number, text, reason } of file.unreached) {
      console.log(`\n${file.name}:${number}: ${text}\n  ${reason ?? "NO REASON IS GIVEN"}`);
    }
    if (file.absent.length > 0) console.log(`\n${file.name}: not in the library: ${file.absent}`);
  }
  const unexplained = files.flatMap((file) => file.unreached.filter(({ reason }) => !reason));
  console.log(`\n${unexplained.length} unreached lines without a reason in unreached.json`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(files)}\n`);
  process.exitCode = unexplained.length === 0 ? 0 : 1;
}

/**
 * @param {import("./core-lines.mjs").CoreFile} sum
 * @param {import("./core-lines.mjs").CoreFile} file
 */
function add(sum, file) {
  return {
    ...sum,
    lines: sum.lines + file.lines,
    reached: sum.reached + file.reached,
    places: sum.places + file.places,
    placesReached: sum.placesReached + file.placesReached,
  };
}

/** @param {import("./core-lines.mjs").CoreFile} file */
function rowOf({ name, lines, reached, places, placesReached }) {
  const percent = (100 * reached) / lines;
  const ofPlaces = `${placesReached} of ${places}`;
  return row(name, String(lines), String(reached), percent.toFixed(1), ofPlaces);
}

/** @param {string[]} cells */
function row(...cells) {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(20) : cell.padStart(14))).join("");
}

function parse() {
  try {
    const { values } = parseArgs({
      options: { json: { type: "string" }, help: { type: "boolean", short: "h" } },
    });
    return values;
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}\n\n${help}`);
    process.exit(2);
  }
}
