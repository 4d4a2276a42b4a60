/** Runs child.ts in a process of its own, which may die or hang. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { environment } from "../../scripts/environment.mjs";
import { runtimePath, thisRuntime } from "../../tests/support/program.ts";
import type { ChildArguments, ChildReport } from "./child.ts";

/** Milliseconds in which a child gets on, however slow the machine is. */
const silenceMax = 180_000;

/** Characters of its errors that are shown. */
const errorsMax = 2000;

export interface ChildEnd {
  /** What went wrong; `undefined`: nothing. */
  readonly problem?: string;
  /** The child's own words, when it lived to say them. */
  readonly failure?: NonNullable<ChildReport["failure"]>;
  readonly done?: NonNullable<ChildReport["done"]>;
}

const running = new Set<ReturnType<typeof spawn>>();

/** For the end of this process, by Ctrl-C for instance. */
export function killChildren(): void {
  for (const child of running) child.kill("SIGKILL");
}

export function runChild(
  args: ChildArguments,
  onCalls: (calls: number) => void = () => {},
): Promise<ChildEnd> {
  const file = fileURLToPath(new URL("./child.ts", import.meta.url));
  const denoFlags = ["run", "--allow-all", "--no-lock", "--no-check", "--v8-flags=--expose-gc"];
  const flags = thisRuntime === "deno" ? denoFlags : [];
  const child = spawn(runtimePath(thisRuntime), [...flags, file, JSON.stringify(args)], {
    // Bun would send its crashes to its makers.
    env: { ...environment, NO_COLOR: "1", BUN_ENABLE_CRASH_REPORTING: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let isHanging = false;
  const hang = () => {
    isHanging = true;
    child.kill("SIGKILL");
  };
  let watchdog = setTimeout(hang, silenceMax);
  let last: ChildReport = {};
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors = (errors + chunk).slice(0, errorsMax);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    clearTimeout(watchdog);
    watchdog = setTimeout(hang, silenceMax);
    last = JSON.parse(line) as ChildReport;
    if (last.calls !== undefined) onCalls(last.calls);
  });
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(watchdog);
      running.delete(child);
      const { failure, done } = last;
      if (isHanging) resolve({ problem: `it did not get on for ${silenceMax} ms` });
      else if (failure !== undefined) resolve({ problem: failure.message, failure });
      else if (code === 0) resolve(done === undefined ? {} : { done });
      else resolve({ problem: `it ended with ${signal ?? `code ${code}`}\n${errors}` });
    });
  });
}
