/** Deno with --allow-ffi for the library alone: copying works, and views say what they need. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startPeer } from "../peer/start.ts";
import { temporaryPaths } from "../support/folder.ts";
import { startProgram } from "../support/program.ts";

const newPath = temporaryPaths();
const folder = `linux-${process.arch === "arm64" ? "arm64" : "x64"}`;
const library = fileURLToPath(new URL(`../../lib/${folder}/libzerocross.so`, import.meta.url));

interface Thrown {
  readonly name: string;
  readonly message: string;
}

function startScoped(path: string, end: "producer" | "consumer") {
  const denoFlags = ["--no-prompt", `--allow-ffi=${library}`];
  return startProgram("permissions", { path, end }, { runtime: "deno", denoFlags });
}

function assertTellsThePermission({ name, message }: Thrown): void {
  assert.equal(name, "SystemError");
  assert.match(message, /gives no view of the shared memory.*grant --allow-ffi without a path/);
}

test("with the library's permission alone a producer sends copies, and a slot has no bytes", async () => {
  const path = newPath();
  const peer = startPeer(["consume", "--listen", "--path", path, "--count", 4, "--size", 32]);
  using program = startScoped(path, "producer");
  const [view] = await program.next<[Thrown]>();
  assertTellsThePermission(view);
  const { count, closed } = await peer.report;
  assert.deepEqual([count, closed], [4, false]);
});

test("with the library's permission alone a consumer receives copies, and a batch has no bytes", async () => {
  const path = newPath();
  const peer = startPeer(["produce", "--listen", "--path", path, "--count", 4]);
  using program = startScoped(path, "consumer");
  const [sizes, bytes, memory, next] = await program.next<[number[], Thrown, Thrown, number]>();
  assert.deepEqual(sizes, [32, 32, 32]);
  assertTellsThePermission(bytes);
  assertTellsThePermission(memory);
  assert.equal(next, 32);
  assert.equal((await peer.report).count, 4);
});

test("without the permission the first use says that it is missing", async () => {
  // Some other permission, since Deno's child_process gives all of them to a Deno without flags.
  const denoFlags = ["--no-prompt", "--allow-env"];
  const args = { path: newPath(), end: "producer" };
  using program = startProgram("permissions", args, { runtime: "deno", denoFlags });
  const { code, errors } = await program.ended;
  assert.equal(code, 1);
  assert.match(errors, /SystemError: .*Requires ffi access.*libzerocross\.so/);
});
