/** What users see of the bundle's names. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { environment } from "../../scripts/environment.mjs";
import { bundledFolder } from "../support/bundle.ts";
import { bothRuntimes, runtimePath } from "../support/program.ts";

const folder = bundledFolder();
writeFileSync(
  join(folder, "names.js"),
  `import * as zerocross from "./dist/index.js";
   import { inspect } from "node:util";
   const { RpcClient, serve } = zerocross;
   for (const [name, value] of Object.entries(zerocross)) {
     if (value.name !== name) throw new Error(name + " is called " + value.name);
   }
   const path = "@zerocross-names-" + process.pid;
   const server = await serve({ path, handler: ({ bytes }) => bytes });
   const client = await RpcClient.connect(path);
   console.log(inspect(client), inspect(RpcClient), client.constructor.name);
   console.log(inspect(server));
   try {
     client.callSync("none");
   } catch (error) {
     console.log(error.stack);
   }
   client.close();
   await server.stop();`,
);

test("no class of the bundle was renamed", () => {
  const code = readFileSync(join(folder, "dist", "index.js"), "utf8");
  assert.deepEqual(code.match(/\bclass _\w+/g), null);
  assert.match(code, /\bclass RpcClient\b/);
});

for (const runtime of bothRuntimes) {
  test(`error traces and inspection show the names of the sources in ${runtime}`, async () => {
    const flags = runtime === "deno" ? ["run", "--allow-all"] : [];
    const run = promisify(execFile)(runtimePath(runtime), [...flags, "names.js"], {
      cwd: folder,
      env: environment,
      timeout: 20_000,
    });
    const { stdout } = await run;
    assert.match(stdout, /^RpcClient /);
    assert.doesNotMatch(stdout, /\b_[A-Z]/);
    assert.match(stdout, /callSync/);
  });
}
