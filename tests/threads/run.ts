// `bun tests/threads/run.ts` builds tests/threads three times, and runs each build for a while.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "../../bench/machine.ts";
import { runCommand, zigBuild } from "../../scripts/command.mjs";
import { root } from "../../scripts/environment.mjs";

const help = `bun tests/threads/run.ts [--seconds N] [--seed S] [--json FILE] [builds]

Threads over the core: channels, RPC, waiters and handles in random rounds, under ThreadSanitizer, in
ReleaseSafe and in Debug, one after the other: threads-tsan, threads-safe, threads-debug, or those named.
The first build under ThreadSanitizer takes minutes, since its runtime is built too.

  --seconds N  for each of them (default 4)
  --seed S     what is done; not when, which the kernel decides (default: from the clock)
  --json FILE  writes the figures there
  --help       this text`;

const allBuilds = ["threads-tsan", "threads-safe", "threads-debug"];
const buildSeconds = 900;
/** Beyond --seconds: the last round, and a wait that nobody ends (`patience_ms` in report.zig). */
const secondsMore = 60;

const options = parse();
const start = performance.now();
const built = await runCommand(zigBuild(...options.builds), { seconds: buildSeconds });
if (built !== 0) process.exit(built);
console.log(`threads: built in ${((performance.now() - start) / 1000).toFixed(1)} s`);

const folder = mkdtempSync(join(tmpdir(), "zerocross-threads-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const runs: unknown[] = [];
for (const build of options.builds) runs.push(await run(build));
if (options.json !== undefined) {
  writeFileSync(options.json, JSON.stringify({ runs, machine: describeMachine() }, null, 2));
}

/** The figures that it wrote. */
async function run(build: string): Promise<unknown> {
  const file = join(folder, `${build}.json`);
  const seed = options.seed === undefined ? [] : ["--seed", options.seed];
  const program = join(root, "zig-out", "bin", build);
  const command = [program, "--seconds", options.seconds, ...seed, "--json", file];
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
