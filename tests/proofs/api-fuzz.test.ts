/** Random sequences of calls: the short form of what proofs/api-fuzz/main.ts does at length. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { environment } from "../../scripts/environment.mjs";
import { runtimePath, thisRuntime } from "../support/program.ts";
import { printedSeed } from "../support/seed.ts";

const seed = printedSeed();
const bounds = { timeout: 60_000 };

/** What proofs/api-fuzz/main.ts prints, under the runtime of this test. */
function fuzz(options: readonly (string | number)[]): Promise<string> {
  const file = fileURLToPath(new URL("../../proofs/api-fuzz/main.ts", import.meta.url));
  const denoFlags = ["run", "--allow-all", "--no-lock", "--no-check"];
  const flags = thisRuntime === "deno" ? denoFlags : [];
  const args = [...flags, file, "--seed", seed, ...options].map(String);
  return new Promise((resolve) => {
    execFile(runtimePath(thisRuntime), args, { env: environment }, (_, output, errors) => {
      resolve(output + errors);
    });
  });
}

test("thousands of random calls, in threads that share the library, go well", bounds, async () => {
  const output = await fuzz(["--calls", 4000, "--threads", 2]);
  assert.match(output, /calls in \d+ s: nothing died, hung or answered wrongly/, output);
});

test("a sequence that was named is played again", bounds, async () => {
  const output = await fuzz(["--path", "7"]);
  assert.match(output, /^ {2}open \(\d+\)$/m, output);
  assert.match(output, /^It goes well\.$/m, output);
});
