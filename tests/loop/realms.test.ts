/** Modules that are loaded anew in the same thread, as test runners do, each with a loop of its own. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { environment } from "../../scripts/environment.mjs";
import { bundledFolder } from "../support/bundle.ts";
import { runtimePath, startProgram, thisRuntime } from "../support/program.ts";
import { within } from "../support/promises.ts";

const bounds = { timeout: 120_000 };
const folder = bundledFolder();
const file = join(folder, "dist", "index.js");
test(
  "a module that was loaded 100 times in one thread waits as the first did",
  bounds,
  async () => {
    const options = { runtime: thisRuntime, timeoutMs: 110_000 };
    using program = startProgram("realms", { file, count: 100 }, options);
    assert.equal(await within(program.next(), 60_000), 100);
    assert.deepEqual(await within(program.ended), { code: 0, signal: null, errors: "" });
  },
);

test("each of 70 test files in a realm of its own serves", {
  ...bounds,
  skip: thisRuntime !== "bun" && "deno test gives each file a thread of its own",
}, async () => {
  const tests = bundledFolder();
  for (let n = 0; n < 70; n++) {
    writeFileSync(
      join(tests, `file-${n}.test.ts`),
      `import { expect, test } from "bun:test";
       import { RpcClient, serve } from ${JSON.stringify(file)};
       test("serves", async () => {
         const path = "@zerocross-isolated-${n}-" + process.pid;
         await using server = await serve({ path, handler: ({ bytes }) => bytes });
         using client = await RpcClient.connect(server.path);
         expect((await client.call(Uint8Array.of(${n}))).bytes[0]).toBe(${n});
       });`,
    );
  }
  const run = promisify(execFile)(runtimePath("bun"), ["test", "--isolate"], {
    cwd: tests,
    env: environment,
    timeout: 100_000,
  });
  const { stderr } = await run;
  assert.match(stderr, /\b70 pass\n/);
});
