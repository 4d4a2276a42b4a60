import { spawnSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { environment } from "../scripts/environment.mjs";

/** What a result means nothing without. */
export interface Machine {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Processes that wanted to run in the minute before: of those, none was a measurement. */
  readonly load: number;
  readonly bun: string;
  readonly deno: string;
  readonly zig: string;
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    load: Number(loadavg()[0]?.toFixed(2)),
    bun: firstLine("bun", "--version"),
    deno: firstLine("deno", "--version"),
    zig: firstLine("zig", "version"),
  };
}

function firstLine(command: string, argument: string): string {
  const { stdout } = spawnSync(command, [argument], { env: environment, encoding: "utf8" });
  return stdout.split("\n")[0]?.trim() ?? "";
}
