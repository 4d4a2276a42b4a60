// Runs one command at a time and leaves nothing of it behind.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { environment, root } from "./environment.mjs";

/** @type {Set<number>} */
const groups = new Set();

process.on("exit", () => groups.forEach(killGroup));
for (const signal of /** @type {const} */ (["SIGHUP", "SIGINT", "SIGTERM"])) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

/**
 * Runs a command in the repository's root, in a process group of its own: when it ends, runs out of
 * time or is interrupted, whatever it started ends with it.
 *
 * @param {string[]} command
 * @param {object} [options]
 * @param {number} [options.seconds] The time limit; none by default.
 * @param {(chunk: Buffer, stream: "stdout" | "stderr") => void} [options.onOutput] Takes the output,
 *   which otherwise goes where this process's own goes.
 * @returns {Promise<number>} The exit code; 124 when the time ran out, as timeout(1) has it.
 */
export async function runCommand([program = "", ...args], { seconds, onOutput } = {}) {
  const output = onOutput === undefined ? "inherit" : "pipe";
  const child = spawn(program, args, {
    cwd: root,
    env: onOutput === undefined ? environment : { ...environment, NO_COLOR: "1" },
    detached: true,
    stdio: [onOutput === undefined ? "inherit" : "ignore", output, output],
  });
  child.stdout?.on("data", (chunk) => onOutput?.(chunk, "stdout"));
  child.stderr?.on("data", (chunk) => onOutput?.(chunk, "stderr"));
  await once(child, "spawn");

  const group = /** @type {number} */ (child.pid);
  groups.add(group);
  let timedOut = false;
  const timer =
    seconds &&
    setTimeout(() => {
      timedOut = true;
      killGroup(group);
    }, seconds * 1000);

  const closed = once(child, "close");
  const [code, signal] = await once(child, "exit");
  clearTimeout(timer);
  // A straggler would hold the output pipes open.
  killGroup(group);
  groups.delete(group);
  await closed;
  if (timedOut) return 124;
  return code ?? 128 + constants.signals[/** @type {NodeJS.Signals} */ (signal)];
}

/**
 * The command that runs steps of zig/build.zig; none of them names the native libraries.
 *
 * @param {string[]} steps
 */
export function zigBuild(...steps) {
  return ["zig", "build", "--build-file", "zig/build.zig", "--prefix", ".", ...steps];
}

/** @param {number} group */
function killGroup(group) {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // Nobody was left in it.
  }
}
