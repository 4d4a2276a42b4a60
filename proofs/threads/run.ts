// `bun proofs/threads/run.ts` builds proofs/threads three times, and runs each build for a while.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { machine, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "../../bench/machine.ts";
import { runCommand, zigBuild } from "../../scripts/command.mjs";
import { findInDebianPackage } from "../../scripts/debian.mjs";
import { root } from "../../scripts/environment.mjs";

const help = `bun proofs/threads/run.ts [--seconds N] [--seed S] [--json FILE] [builds]

Threads over the core: channels, RPC, waiters and handles in random rounds, under ThreadSanitizer, in
ReleaseSafe and in Debug, one after the other: threads-tsan, threads-safe, threads-debug, or those named.
ThreadSanitizer comes from Debian's packages; the exit code is 77 when they cannot be had.

  --seconds N  for each of them (default 4)
  --seed S     what is done; not when, which the kernel decides (default: from the clock)
  --json FILE  writes the figures there
  --help       this text`;

const allBuilds = ["threads-tsan", "threads-safe", "threads-debug"];
const buildSeconds = 300;
/** Beyond --seconds: the last round, and a wait that nobody ends (`patience_ms` in report.zig). */
const secondsMore = 60;

const options = parse();
const start = performance.now();
const runtime = options.builds.includes("threads-tsan") ? sanitizerArchives() : [];
const command = zigBuild(...options.builds, ...runtime.map((path) => `-Druntime=${path}`));
const built = await runCommand(command, { seconds: buildSeconds });
if (built !== 0) process.exit(built);
console.log(`threads: built in ${((performance.now() - start) / 1000).toFixed(1)} s`);

// Without them a report of ThreadSanitizer has addresses only.
const symbolizer = spawnSync("which", ["addr2line"], { encoding: "utf8" }).stdout.trim();
const names =
  symbolizer === "" ? [] : ["env", `TSAN_OPTIONS=external_symbolizer_path=${symbolizer}`];
const folder = mkdtempSync(join(tmpdir(), "zerocross-threads-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const runs: unknown[] = [];
for (const build of options.builds) runs.push(await run(build));
if (options.json !== undefined) {
  writeFileSync(options.json, `${JSON.stringify({ runs, machine: describeMachine() })}\n`);
}

/** ThreadSanitizer, and what it walks stacks with. */
function sanitizerArchives(): string[] {
  try {
    return [
      findInDebianPackage("libclang-rt-19-dev", `libclang_rt.tsan-${machine()}.a`),
      findInDebianPackage("libgcc-12-dev", "libgcc_eh.a"),
    ];
  } catch (error) {
    console.error(`threads: ${(error as Error).message}`);
    process.exit(77);
  }
}

/** The figures that it wrote. */
async function run(build: string): Promise<unknown> {
  const file = join(folder, `${build}.json`);
  const seed = options.seed === undefined ? [] : ["--seed", options.seed];
  const program = join(root, "zig-out", "bin", build);
  const command = [...names, program, "--seconds", options.seconds, ...seed, "--json", file];
  const code = await runCommand(command, { seconds: Number(options.seconds) + secondsMore });
  if (code !== 0) {
    console.error(`threads: ${build} ended with ${code}`);
    process.exit(code);
  }
  return JSON.parse(readFileSync(file, "utf8"));
}

function parse() {
  try {
    const { values, positionals } = parseArgs({
      options: {
        seconds: { type: "string", default: "4" },
        seed: { type: "string" },
        json: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
      allowPositionals: true,
    });
    if (values.help) {
      console.log(help);
      process.exit();
    }
    if (!(Number(values.seconds) > 0))
      throw new Error(`${values.seconds} is no number of seconds.`);
    const unknown = positionals.filter((name) => !allBuilds.includes(name));
    if (unknown.length > 0) throw new Error(`there is no build ${unknown.join(", ")}.`);
    return { ...values, builds: positionals.length === 0 ? allBuilds : positionals };
  } catch (error) {
    console.error(`threads: ${(error as Error).message}\n\n${help}`);
    process.exit(2);
  }
}
