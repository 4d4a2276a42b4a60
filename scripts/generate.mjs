// Writes ffi/table.ts, which Zig prints; with --check it only says whether the file is up to date.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand, zigBuild } from "./command.mjs";
import { root } from "./environment.mjs";
import { installTools } from "./install.mjs";

const file = join(root, "ffi", "table.ts");

await installTools();
const table = await printTable();
if (!process.argv.includes("--check")) {
  writeFileSync(file, table);
} else if (readFileSync(file, "utf8") !== table) {
  console.error("ffi/table.ts is not what zig/abi/table.zig prints. Run `npm run generate`.");
  process.exitCode = 1;
}

async function printTable() {
  /** @type {Buffer[]} */
  const chunks = [];
  const code = await runCommand(zigBuild("table"), {
    onOutput: (chunk, stream) =>
      stream === "stdout" ? chunks.push(chunk) : process.stderr.write(chunk),
  });
  if (code !== 0) process.exit(code);
  return Buffer.concat(chunks).toString();
}
