// Runs one command at a time and leaves nothing of it behind.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { environment, root } from "./environment.mjs";

/** How long a command that is told to end may take to end what it has started itself. */
const graceSeconds = 5;

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();
let isEnding = false;

process.on("exit", () => running.forEach(killGroup));
for (const signal of /** @type {const} */ (["SIGHUP", "SIGINT", "SIGTERM"])) {
  process.on(signal, async () => {
    const code = 128 + constants.signals[signal];
    if (isEnding) process.exit(code);
    isEnding = true;
    await Promise.all([...running].map(endGroup));
    process.exit(code);
  });
}

/**
 * Runs a command in the repository's root, in a process group of its own: when it ends, runs out of
 * time or is interrupted, whatever it started ends with it. Once this process is interrupted, no
 * command begins and none returns.
 *
 * @param {string[]} command
 * @param {object} [options]
 * @param {number} [options.seconds] The time limit; none by default.
 * @param {(chunk: Buffer, stream: "stdout" | "stderr") => void} [options.onOutput] Takes the output,
 *   which otherwise goes where this process's own goes.
 * @returns {Promise<number>} The exit code; 124 when the time ran out, as timeout(1) has it.
 */
export async function runCommand([program = "", ...args], { seconds, onOutput } = {}) {
  if (isEnding) return forever();
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

  running.add(child);
  let timedOut = false;
  const timer =
    seconds &&
    setTimeout(() => {
      timedOut = true;
      endGroup(child);
    }, seconds * 1000);

  const closed = once(child, "close");
  const [code, signal] = await once(child, "exit");
  clearTimeout(timer);
  // A straggler would hold the output pipes open.
  killGroup(child);
  await closed;
  running.delete(child);
  if (isEnding) return forever();
  if (timedOut) return 124;
  return code ?? 128 + constants.signals[/** @type {NodeJS.Signals} */ (signal)];
}

/**
 * Lets it end what it has started in other groups, as another `runCommand` does, and kills what is left.
 *
 * @param {import("node:child_process").ChildProcess} child
 */
async function endGroup(child) {
  if (!signalGroup(child, "SIGTERM")) return;
  const timer = setTimeout(() => killGroup(child), graceSeconds * 1000);
  await once(child, "close");
  clearTimeout(timer);
}

/** @param {import("node:child_process").ChildProcess} child */
function killGroup(child) {
  signalGroup(child, "SIGKILL");
}

/**
 * False: nobody was left in it.
 *
 * @param {import("node:child_process").ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function signalGroup(child, signal) {
  try {
    return process.kill(-(/** @type {number} */ (child.pid)), signal);
  } catch {
    return false;
  }
}

/** @returns {Promise<never>} */
function forever() {
  return new Promise(() => {});
}

/**
 * The command that runs steps of build.zig; none of them names the native libraries.
 *
 * @param {string[]} steps
 */
export function zigBuild(...steps) {
  return ["zig", "build", "--prefix", ".", ...steps];
}
