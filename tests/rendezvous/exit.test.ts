/** A process that ends while it listens takes its socket files with it, where its runtime says so in time. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import type { ExitingArguments, ExitingReport } from "../programs/exiting.ts";
import { temporaryPaths } from "../support/folder.ts";
import { bothRuntimes, type Runtime, startProgram } from "../support/program.ts";
import { within } from "../support/promises.ts";

const newPath = temporaryPaths();

/** An uncaught error ends Deno without a word to the program. */
const ends: Record<Runtime, readonly ExitingArguments["end"][]> = {
  bun: ["process.exit", "throw", "worker exits"],
  deno: ["process.exit", "Deno.exit", "worker exits"],
};

for (const runtime of bothRuntimes) {
  for (const end of ends[runtime]) {
    test(`in ${runtime} no socket file is left by a process that listens and ends: ${end}`, async () => {
      const paths = [newPath(), newPath(), newPath()] as const;
      const args: ExitingArguments = { paths, end };
      using program = startProgram("exiting", args, { runtime });
      const { exist, handlers } = await within(program.next<ExitingReport>(), 10_000);
      assert.deepEqual(exist, [true, true, true]);
      assert.ok(handlers <= 1, `${handlers} handlers`);
      const { code, errors } = await within(program.ended, 10_000);
      assert.equal(code, end === "throw" ? 1 : 3, errors);
      assert.deepEqual(
        paths.map((path) => existsSync(path)),
        [false, false, false],
      );
    });
  }
}
