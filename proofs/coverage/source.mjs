// Which lines of src/ and ffi/ the tests of both runtimes reach, and every one that they do not.
//
// Bun counts what runs in the test process, Deno also what runs in its workers and in processes of
// Deno's that end by themselves. What only runs in a worker or a child of Bun's counts as not reached.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { environment, root } from "../../scripts/environment.mjs";

const help = `Measures which lines of src/ and ffi/ the tests reach, under Bun and Deno together.

  node proofs/coverage/source.mjs [options] [tests, by default ./tests]

  --json FILE   writes the figures there
  --help        prints this
`;

/** Neither a statement nor a part of one: comments, and lines of nothing but punctuation. */
const notCode = /^(\/\/.*|\/?\*.*|[\s{}()[\];,]*)$/;

/**
 * @typedef {{ line: number, text: string }} Line
 * @typedef {{ file: string, lines: number, covered: number, uncovered: Line[] }} Row
 * @typedef {Map<string, Map<number, number>>} Counts How often each line of each file was reached.
 */

const { values: options, positionals } = parseArgs({
  options: { json: { type: "string" }, help: { type: "boolean" } },
  allowPositionals: true,
});
if (options.help) console.log(help);
else measure(positionals.length > 0 ? positionals : ["./tests"]);

/** @param {string[]} tests */
function measure(tests) {
  const folder = mkdtempSync(join(tmpdir(), "zerocross-coverage-"));
  try {
    const counts = merge([...runBun(tests, folder), ...runDeno(tests, folder)]);
    report([...counts].map(([file, lines]) => toRow(file, lines)).sort(byFile));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string[]} tests @param {string} folder */
function runBun(tests, folder) {
  const told = ["--coverage", "--coverage-reporter=lcov", `--coverage-dir=${folder}`];
  run("bun", ["test", "--timeout", "120000", ...told, ...tests], {});
  return parse(readFileSync(join(folder, "lcov.info"), "utf8"));
}

/** @param {string[]} tests @param {string} folder */
function runDeno(tests, folder) {
  const data = join(folder, "deno");
  // In the environment, so that the processes that the tests start are counted too.
  run("deno", ["test", "--allow-all", "--no-check", ...tests], { DENO_COVERAGE_DIR: data });
  const lcov = execFileSync("deno", ["coverage", "--lcov", data], {
    cwd: root,
    env: environment,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  return parse(lcov);
}

/**
 * Failing tests are another command's to judge; here they are only said.
 *
 * @param {string} command @param {string[]} args @param {Record<string, string>} more
 */
function run(command, args, more) {
  const env = { ...environment, ...more };
  const { status } = spawnSync(command, args, { cwd: root, env, stdio: "inherit" });
  if (status === 0) return;
  console.log(`${command} test ended with ${status}: not every line may have been reached.`);
}

/** @param {string} lcov @returns {[file: string, line: number, count: number][]} */
function parse(lcov) {
  /** @type {[string, number, number][]} */
  const entries = [];
  let file = "";
  for (const line of lcov.split("\n")) {
    if (line.startsWith("SF:")) file = relative(root, resolve(root, line.slice(3)));
    const [, number, count] = /^DA:(\d+),(\d+)/.exec(line) ?? [];
    if (number !== undefined) entries.push([file, Number(number), Number(count)]);
  }
  return entries;
}

/** @param {[file: string, line: number, count: number][]} entries @returns {Counts} */
function merge(entries) {
  /** @type {Counts} */
  const counts = new Map();
  for (const [file, line, count] of entries) {
    if (!/^(src|ffi)\//.test(file)) continue;
    const lines = counts.get(file) ?? new Map();
    counts.set(file, lines.set(line, (lines.get(line) ?? 0) + count));
  }
  return counts;
}

/** @param {string} file @param {Map<number, number>} counts @returns {Row} */
function toRow(file, counts) {
  const texts = readFileSync(join(root, file), "utf8").split("\n");
  const lines = [...counts]
    .map(([line, count]) => ({ line, count, text: (texts[line - 1] ?? "").trim() }))
    .filter(({ text }) => !notCode.test(text))
    .sort((a, b) => a.line - b.line);
  const uncovered = lines
    .filter(({ count }) => count === 0)
    .map(({ line, text }) => ({ line, text }));
  return { file, lines: lines.length, covered: lines.length - uncovered.length, uncovered };
}

/** @param {Row} a @param {Row} b */
function byFile(a, b) {
  return a.file < b.file ? -1 : 1;
}

/** @param {Row[]} rows */
function report(rows) {
  const lines = rows.reduce((sum, row) => sum + row.lines, 0);
  const covered = rows.reduce((sum, row) => sum + row.covered, 0);
  for (const row of rows) console.log(figures(row.file, row.covered, row.lines));
  console.log(figures("all", covered, lines));
  for (const { file, uncovered } of rows) {
    for (const { line, text } of uncovered) console.log(`${file}:${line}  ${text}`);
  }
  if (options.json === undefined) return;
  const result = { date: new Date().toISOString(), lines, covered, files: rows };
  writeFileSync(options.json, `${JSON.stringify(result)}\n`);
}

/** @param {string} name @param {number} covered @param {number} lines */
function figures(name, covered, lines) {
  const percent = lines === 0 ? 100 : (100 * covered) / lines;
  return `${name.padEnd(24)} ${String(covered).padStart(5)} of ${String(lines).padStart(5)}  ${percent.toFixed(1)} %`;
}
