// `node proofs/fuzz/run.mjs` fuzzes what a peer can write, guided by the edges that an input reaches.
// libFuzzer comes from Debian's packages; everything else, replay included, does without.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { runCommand, zigBuild } from "../../scripts/command.mjs";
import { findInDebianPackage } from "../../scripts/debian.mjs";
import { root } from "../../scripts/environment.mjs";
import { installTools } from "../../scripts/install.mjs";
import { readCorpus, writeCorpus } from "./corpus.mjs";

const allTargets = ["reader", "writer", "changing", "handshake", "rpc"];
const folder = join(root, "proofs", "fuzz");
/** Below `size_max` of replay.zig. */
const inputBytesMax = 1024;

const help = `Fuzzes what a peer can write, two targets at a time: ${allTargets.join(", ")}.

usage: node proofs/fuzz/run.mjs [--minutes N] [--json FILE] [targets]

  --minutes N   how long each target runs; 30 when not given
  --json FILE   writes the figures there
  --help        this text

New inputs go, minimised, into the target's file in proofs/fuzz/corpus; an input that fails goes into
proofs/fuzz/crashes, and the command that runs it again is printed; put into proofs/fuzz/regressions, npm test
runs it for good. The exit code is 1 when there was one, 77 when Debian's packages cannot be had. Ctrl-C ends
it all and leaves the corpus as it was.`;

const { minutes, json, targets } = parse();
const corpus = readKnown();
const scratch = mkdtempSync(join(tmpdir(), "zerocross-fuzz-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

await installTools();
const code = await runCommand(
  zigBuild("fuzz", ...runtimeArchives().map((path) => `-Druntime=${path}`)),
);
if (code !== 0) process.exit(code);

const waiting = [...targets];
/** @type {Awaited<ReturnType<typeof fuzz>>[]} */
const results = [];
const lanes = Array.from({ length: Math.min(2, availableParallelism()) }, async () => {
  for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
    results.push(await fuzz(target));
  }
});
await Promise.all(lanes);
console.table(Object.fromEntries(results.map(({ target, ...figures }) => [target, figures])));
if (json !== undefined) {
  const machine = { processor: cpus()[0]?.model, cores: availableParallelism(), kernel: release() };
  writeFileSync(json, `${JSON.stringify({ machine, results })}\n`);
}
process.exitCode = results.some(({ crashes }) => crashes > 0) ? 1 : 0;

function parse() {
  try {
    const { values, positionals } = parseArgs({
      options: {
        minutes: { type: "string", default: "30" },
        json: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
      allowPositionals: true,
    });
    if (values.help) {
      console.log(help);
      process.exit();
    }
    const unknown = positionals.filter((name) => !allTargets.includes(name));
    if (unknown.length > 0) throw new Error(`no target is called ${unknown.join(", ")}`);
    const minutes = Number(values.minutes);
    if (!(minutes > 0)) throw new Error(`--minutes takes a number above 0, not ${values.minutes}`);
    return {
      minutes,
      json: values.json,
      targets: positionals.length > 0 ? positionals : allTargets,
    };
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}\n\n${help}`);
    return process.exit(2);
  }
}

/** The inputs of each target; what is corrupt is told before anything runs. */
function readKnown() {
  try {
    return new Map(targets.map((target) => [target, readCorpus(corpusFile(target))]));
  } catch (error) {
    console.error(`fuzzing: ${/** @type {Error} */ (error).message}`);
    return process.exit(1);
  }
}

/** libFuzzer, and the two archives of GCC that it was built against. */
function runtimeArchives() {
  try {
    return [
      findInDebianPackage("libclang-rt-19-dev", "libclang_rt.fuzzer-x86_64.a"),
      findInDebianPackage("libstdc++-12-dev", "libstdc++.a"),
      findInDebianPackage("libgcc-12-dev", "libgcc_eh.a"),
    ];
  } catch (error) {
    console.error(`fuzzing: ${/** @type {Error} */ (error).message}`);
    return process.exit(77);
  }
}

/** @param {string} target */
function corpusFile(target) {
  return join(folder, "corpus", `${target}.bin`);
}

/** @param {string} target */
async function fuzz(target) {
  const program = join(root, "zig-out", "bin", `fuzz-${target}`);
  const [known, found] = [join(scratch, `${target}-known`), join(scratch, target)];
  const crashes = join(folder, "crashes", target);
  for (const path of [known, found, crashes]) mkdirSync(path, { recursive: true });
  for (const [index, input] of (corpus.get(target) ?? []).entries())
    writeFileSync(join(known, `${index}`), input);
  const before = new Set(readdirSync(crashes));

  const start = performance.now();
  const figures = await watch(target, program, [
    `-max_total_time=${Math.round(minutes * 60)}`,
    `-max_len=${inputBytesMax}`,
    // Seconds for one input: a loop without an end shows as a crash.
    "-timeout=20",
    `-artifact_prefix=${crashes}/`,
    found,
    known,
  ]);
  const seconds = Math.round((performance.now() - start) / 1000);
  const failed = readdirSync(crashes).filter((name) => !before.has(name));
  for (const name of failed) {
    console.error(
      `${target}: failed; again with ${relative(root, program)} ${relative(root, join(crashes, name))}`,
    );
  }
  const inputs = await minimised(target, program, [known, found]);
  writeCorpus(corpusFile(target), inputs);
  const bytes = inputs.reduce((sum, { length }) => sum + length, 0);
  return { target, ...figures, seconds, inputs: inputs.length, bytes, crashes: failed.length };
}

/**
 * Tells every 30 s how far it is, and returns what libFuzzer said last.
 *
 * @param {string} target
 * @param {string} program
 * @param {string[]} args
 */
async function watch(target, program, args) {
  const figures = { executions: 0, edges: 0, edgesTotal: 0, features: 0 };
  const tell = () =>
    console.log(
      `${target}: ${figures.executions} executions, ${figures.edges} of ${figures.edgesTotal} edges`,
    );
  const timer = setInterval(tell, 30_000);
  await run(program, args, (line) => {
    figures.edgesTotal = Number(/PC tables? \((\d+) PCs\)/.exec(line)?.[1] ?? figures.edgesTotal);
    const progress = /^#(\d+)\s+\S+\s+cov: (\d+) ft: (\d+)/.exec(line);
    if (progress !== null) {
      figures.executions = Number(progress[1]);
      figures.edges = Number(progress[2]);
      figures.features = Number(progress[3]);
    }
    if (/panic|ERROR/.test(line)) console.error(`${target}: ${line}`);
  });
  clearInterval(timer);
  tell();
  return figures;
}

/**
 * Few inputs that reach every edge that those in the folders reach.
 *
 * @param {string} target
 * @param {string} program
 * @param {string[]} folders
 */
async function minimised(target, program, folders) {
  const merged = join(scratch, `${target}-merged`);
  mkdirSync(merged);
  await run(
    program,
    ["-merge=1", "-use_counters=0", `-max_len=${inputBytesMax}`, merged, ...folders],
    () => {},
  );
  const names = readdirSync(merged);
  if (names.length === 0)
    throw new Error(`minimising the corpus of ${target} left nothing; it stays as it was`);
  return names.map((name) => readFileSync(join(merged, name)));
}

/**
 * Its exit code says nothing that the folders do not: a crash is a file.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {(line: string) => void} onLine
 */
async function run(program, args, onLine) {
  let rest = "";
  await runCommand(["nice", program, ...args], {
    onOutput: (chunk) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(onLine);
    },
  });
}
