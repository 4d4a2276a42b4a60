/** Starts the small programs of proofs/scarcity/programs, on a system that lacks something. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { zigBuild } from "../../scripts/command.mjs";
import { environment, root } from "../../scripts/environment.mjs";
import { Program, runtimePath, thisRuntime } from "../../tests/support/program.ts";

const isRoot = process.geteuid?.() === 0;
/** For tests that mount something or become another user. */
export const asRoot = { skip: isRoot ? false : "only root can mount, or become another user" };

const tool = join(root, "zig-out/bin/restrict");
let isBuilt = false;

function build(): void {
  if (isBuilt) return;
  const [zig = "", ...args] = zigBuild("restrict");
  const { status, stderr } = spawnSync(zig, args, {
    cwd: root,
    env: environment,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  isBuilt = true;
}

export interface RestrictedOptions {
  /** Options of `restrict` (proofs/restrict/main.zig). Default: nothing is lacking. */
  readonly restrictions?: readonly string[];
  /** Milliseconds after which it is killed, whatever it does. Default 20 seconds. */
  readonly timeoutMs?: number;
}

/** Hold it with `using`: it is killed when the test leaves the block. */
export function startRestricted(
  name: string,
  args: object = {},
  { restrictions = [], timeoutMs = 20_000 }: RestrictedOptions = {},
): Program {
  const file = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
  const flags = thisRuntime === "deno" ? ["run", "--no-lock", "--no-check", "--allow-all"] : [];
  const command = [runtimePath(thisRuntime), ...flags, file, JSON.stringify(args)];
  if (restrictions.length > 0) {
    build();
    command.unshift(tool, ...restrictions, "--");
  }
  const [program = "", ...rest] = command;
  const child = spawn(program, rest, { env: environment, stdio: ["pipe", "pipe", "pipe"] });
  return new Program(name, child, timeoutMs);
}
