/** What a program of tests/programs needs to talk to the test that started it. */
import { readSync, writeSync } from "node:fs";
import process from "node:process";

/** What the test gave to `startProgram`. */
export function programArguments<Args>(): Args {
  return JSON.parse(process.argv[2] ?? "{}") as Args;
}

/** Prints a line for `Program.next`. It is out when this returns, also for a program that dies then. */
export function print(report: unknown): void {
  writeSync(1, `${JSON.stringify(report)}\n`);
}

/** Blocks until the test calls `Program.tell`. */
export function awaitWord(): void {
  readSync(0, new Uint8Array(1));
}

/** Ends this process as kill -9 does, and does not return. */
export function dieNow(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("still alive");
}

/** Blocks this thread. Only for showing that something does not happen meanwhile. */
export function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
