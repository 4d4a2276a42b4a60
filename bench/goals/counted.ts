// What is counted rather than timed: system calls, allocations, the CPU time of an idle consumer.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { environment } from "../../scripts/environment.mjs";
import { type Runtime, runtimes } from "../line-process.ts";
import { showProgress } from "../progress.ts";
import { scriptPair } from "./pair.ts";

export interface Count {
  readonly name: string;
  readonly value: string;
  readonly goal: string;
}

export async function countedRows(
  cores: readonly [number, number],
  quick: boolean,
): Promise<Count[]> {
  const part = quick ? 20 : 1;
  const rows: Count[] = [];
  for (const runtime of runtimes) {
    showProgress(`counted: ${runtime}`);
    rows.push(await countSystemCalls(runtime, cores, 1_000_000 / part));
    rows.push(...allocations(runtime, 10_000_000 / part));
    rows.push(await countIdle(runtime, cores, 5000 / part));
  }
  showProgress("");
  return rows;
}

/** The kernel counts, for both processes and all their threads, while they play ping-pong. */
async function countSystemCalls(
  runtime: Runtime,
  cores: readonly [number, number],
  roundTrips: number,
): Promise<Count> {
  const name = `system calls per round trip, ${runtime}, both sides spinning`;
  const goal = "0";
  const pair = scriptPair("round-trip", [runtime, runtime], cores);
  try {
    await pair.run(roundTrips / 10);
    const counter = spawn(
      "perf",
      ["stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", pair.pids.join(",")],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    const output: Buffer[] = [];
    counter.stderr.on("data", (chunk) => output.push(chunk));
    const failed = new Promise<true>((resolve) => counter.once("error", () => resolve(true)));
    await pair.run(roundTrips);
    counter.kill("SIGINT");
    if (await Promise.race([failed, once(counter, "close").then(() => false)])) {
      return { name, goal, value: "not counted: perf is not installed" };
    }
    const [count = ""] = Buffer.concat(output).toString().split(",");
    if (!/^\d+$/.test(count.trim())) return { name, goal, value: "not counted: perf may not" };
    const each = (Number(count) / roundTrips).toFixed(4);
    return { name, goal, value: `${each} (${count.trim()} in ${roundTrips})` };
  } finally {
    await pair.close();
  }
}

/** How far the runtime's own figure of its heap moves while messages go from end to end in one thread. */
function allocations(runtime: Runtime, messages: number): Count[] {
  return ["copies", "batches"].map((form) => {
    const script = fileURLToPath(new URL("../../tests/programs/heap.ts", import.meta.url));
    const flags = runtime === "deno" ? ["run", "--no-check", "--allow-all"] : [];
    const settings = JSON.stringify({ form, messages });
    const { stdout } = spawnSync(runtime, [...flags, script, settings], {
      // Without its collector JavaScriptCore's figure is of everything that was ever allocated.
      env: { ...environment, BUN_JSC_useGC: "0" },
      encoding: "utf8",
      timeout: 60_000,
    });
    const { samples } = JSON.parse(stdout) as { samples: number[] };
    const each = (Math.max(...samples) - Math.min(...samples)) / messages;
    return {
      name: `heap bytes per message, ${runtime}, ${messages / 1e6} million messages in ${form}`,
      value: each.toFixed(4),
      goal: "0",
    };
  });
}

/** The kernel's account of both processes, all their threads included, while both wait. */
async function countIdle(
  runtime: Runtime,
  cores: readonly [number, number],
  idleMs: number,
): Promise<Count> {
  const pair = scriptPair("idle", [runtime, runtime], cores);
  try {
    await pair.run(1);
    const before = cpuMs(pair.pids);
    await pair.run(idleMs);
    const percent = ((cpuMs(pair.pids) - before) / pair.pids.length / idleMs) * 100;
    return {
      name: `CPU of a consumer asleep for ${idleMs / 1000} s, ${runtime}`,
      value: `${percent.toFixed(2)} % of a core`,
      goal: "under 1 %",
    };
  } finally {
    await pair.close();
  }
}

/** CPU time of the processes so far, in the steps of 10 ms that the kernel counts in. */
function cpuMs(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    // The second field, the name, is the only one that may hold spaces; it ends with the last ")".
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * 10;
}
