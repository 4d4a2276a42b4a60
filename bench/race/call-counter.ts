import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { environment, root } from "../../scripts/environment.mjs";
import { LineProcess } from "../line-process.ts";

/** Counts the system calls of some processes, all their threads included. */
export interface CallCounter {
  readonly by: "perf_event_open" | "strace";
  /** How many they made while the work was done. */
  during(work: () => Promise<unknown>): Promise<number>;
  close(): Promise<void>;
}

export type CallCounting = CallCounter | { readonly reason: string };

/** By the kernel's own counter; where that is not allowed, by strace, which slows what it counts. */
export async function countCalls(pids: readonly number[]): Promise<CallCounting> {
  const counted = await countByKernel(pids);
  if ("by" in counted) return counted;
  const traced = await countByTrace(pids);
  return "by" in traced ? traced : { reason: `${counted.reason}; ${traced.reason}` };
}

async function countByKernel(pids: readonly number[]): Promise<CallCounting> {
  const counter = new LineProcess(join(root, "zig-out/bin/count-calls"), pids.map(String));
  const answer = JSON.parse(await counter.hear()) as { ready: true } | { forbidden: string };
  if ("forbidden" in answer) {
    await counter.leave();
    return { reason: answer.forbidden };
  }
  const total = async () => (await counter.ask<{ calls: number }>("")).calls;
  return {
    by: "perf_event_open",
    async during(work) {
      const before = await total();
      await work();
      return (await total()) - before;
    },
    close: () => counter.leave(),
  };
}

async function countByTrace(pids: readonly number[]): Promise<CallCounting> {
  if (spawnSync("strace", ["-V"], { env: environment }).error !== undefined) {
    return { reason: "strace is not installed" };
  }
  const counter: CallCounter = {
    by: "strace",
    during: (work) => trace(pids, work),
    close: async () => {},
  };
  try {
    await counter.during(async () => {});
    return counter;
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

async function trace(pids: readonly number[], work: () => Promise<unknown>): Promise<number> {
  const strace = spawn("strace", ["-f", "-c", ...pids.flatMap((pid) => ["-p", String(pid)])], {
    env: environment,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(strace, "close");
  const lines: string[] = [];
  const attached = Promise.withResolvers<void>();
  let left = pids.length;
  createInterface({ input: strace.stderr }).on("line", (line) => {
    lines.push(line);
    if (/^strace: Process \d+ attached/.test(line) && --left === 0) attached.resolve();
  });
  const refused = ended.then(() => {
    throw new Error(lines[0] ?? "strace ended at once");
  });
  refused.catch(() => {});
  try {
    await Promise.race([attached.promise, refused]);
    await work();
  } finally {
    strace.kill("SIGINT");
    await ended;
  }
  return lines.reduce((sum, line) => sum + callsIn(line), 0);
}

/** Of a line of strace's table: share, seconds, microseconds per call, calls, errors where there are any, name. */
function callsIn(line: string): number {
  const [, calls, name] = /^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\S+)$/.exec(line) ?? [];
  return name === undefined || name === "total" ? 0 : Number(calls);
}
