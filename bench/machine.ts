import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { environment } from "../scripts/environment.mjs";

/** What a result means nothing without. */
export interface Machine {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Whether a hypervisor lies below: it takes cores away unseen, and wake-ups cross it. */
  readonly virtualised: boolean;
  /** What the kernel does about the faults of this processor, which is what a system call pays for. */
  readonly mitigations: readonly string[];
  readonly clocksource: string;
  /** Who sets the frequency of the cores, where the machine tells. */
  readonly governor?: string;
  /** Processes that wanted to run in the minute before: of those, none was a measurement. */
  readonly load: number;
  readonly bun: string;
  readonly deno: string;
  readonly zig: string;
}

const system = "/sys/devices/system";

export function describeMachine(): Machine {
  const governor = readLine(`${system}/cpu/cpu0/cpufreq/scaling_governor`);
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    virtualised: /^flags\s*:.*\bhypervisor\b/m.test(readText("/proc/cpuinfo") ?? ""),
    mitigations: readMitigations(),
    clocksource: readLine(`${system}/clocksource/clocksource0/current_clocksource`) ?? "unknown",
    ...(governor !== undefined && { governor }),
    load: Number(loadavg()[0]?.toFixed(2)),
    bun: firstLine("bun", "--version"),
    deno: firstLine("deno", "--version"),
    zig: firstLine("zig", "version"),
  };
}

function readMitigations(): string[] {
  const folder = `${system}/cpu/vulnerabilities`;
  const states = list(folder).map((name) => `${name}: ${readLine(`${folder}/${name}`)}`);
  return states.filter((state) => !state.endsWith(": Not affected")).sort();
}

/** The kernel's way to write cores: "0-2,5". */
export function parseCoreList(text: string): number[] {
  return text.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
}

/** The cores that are online and that this process may run on. */
export function usableCores(): number[] {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readText("/proc/self/status") ?? "")?.[1];
  const cores = parseCoreList(allowed ?? `0-${availableParallelism() - 1}`);
  const online = readLine(`${system}/cpu/online`);
  return online === undefined
    ? cores
    : cores.filter((core) => parseCoreList(online).includes(core));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // This kernel does not tell.
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function readLine(file: string): string | undefined {
  return readText(file)?.split("\n")[0]?.trim();
}

function firstLine(command: string, argument: string): string {
  const { stdout } = spawnSync(command, [argument], { env: environment, encoding: "utf8" });
  return stdout.split("\n")[0]?.trim() ?? "";
}
