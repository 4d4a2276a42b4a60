import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../examples/demo/main.ts", import.meta.url));

test("the demo refuses an option that it does not know, with exit code 2", () => {
  const { status, stderr } = runDemo("--smal");
  assert.match(stderr, /--smal'/);
  assert.equal(status, 2);
});

test("the demo refuses a folder that does not exist, with exit code 2", () => {
  const { status, stderr } = runDemo("--folder", "/nowhere");
  assert.match(stderr, /\/nowhere is not a folder/);
  assert.equal(status, 2);
});

test("the demo says that a folder has no files, with exit code 1", () => {
  const folder = mkdtempSync(join(tmpdir(), "zerocross-"));
  try {
    const { status, stderr } = runDemo("--folder", folder);
    assert.match(stderr, /there are no files in/);
    assert.equal(status, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function runDemo(...args: string[]) {
  return spawnSync("bun", [program, ...args], { encoding: "utf8", timeout: 30_000 });
}
