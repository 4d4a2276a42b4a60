// Has the kernel count the system calls of processes while something runs, as far as this machine lets us.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";

/** Neither tool may or can count here; the message says why, tool by tool. */
export class NotCounted extends Error {}

interface Counting {
  readonly tool: string;
  stop(): Promise<number>;
}

/** All system calls of the processes, in all their threads, while `task` ran. */
export async function countSystemCalls<Result>(pids: number[], task: () => Result) {
  const counting = await startCounting(pids);
  const result = task();
  return { result, tool: counting.tool, calls: await counting.stop() };
}

async function startCounting(pids: number[]): Promise<Counting> {
  const reasons: string[] = [];
  for (const start of [startPerf, startStrace]) {
    try {
      return await start(pids);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new NotCounted(reasons.join("\n"));
}

/** perf counts in the kernel and slows nothing down. */
async function startPerf(pids: number[]): Promise<Counting> {
  const what = ["-e", "raw_syscalls:sys_enter", "-p", pids.join(",")];
  const how = ["-x", ",", "--delay", "-1", "--control", "fd:3,4"];
  const perf = await Tool.start("perf", ["stat", ...what, ...how]);
  await perf.command("enable");
  return {
    tool: perf.name,
    async stop() {
      await perf.command("disable");
      const report = await perf.end();
      const count = report.match(/^(\d+),.*sys_enter/m)?.[1];
      if (count === undefined) throw new NotCounted(`perf: ${firstLine(report)}`);
      return Number(count);
    },
  };
}

/** strace stops the processes at every call: slow, but the count is the same. */
async function startStrace(pids: number[]): Promise<Counting> {
  const whom = pids.flatMap((pid) => ["-p", String(pid)]);
  const strace = await Tool.start("strace", ["-f", "-c", ...whom]);
  for (const pid of pids) await strace.says(`Process ${pid} attached`);
  return {
    tool: strace.name,
    async stop() {
      const report = await strace.end();
      const rows = [...report.matchAll(/^ *[\d.]+ +[\d.]+ +\d+ +(\d+)( +\d+)? +(?!total)\w+$/gm)];
      // There is one at least: what this process did to interrupt strace.
      if (rows.length === 0) throw new NotCounted(`strace: ${firstLine(report)}`);
      return rows.reduce((sum, [, calls]) => sum + Number(calls), 0);
    },
  };
}

/** A tool that counts until it is interrupted. */
class Tool {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #failed: Promise<never>;
  #output = "";

  static async start(name: string, args: string[]): Promise<Tool> {
    try {
      const started = spawn(name, args, {
        stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
        env: { ...process.env, LC_ALL: "C" },
        timeout: 10_000,
      });
      await once(started, "spawn");
      return new Tool(name, started);
    } catch {
      throw new Error(`${name}: not installed`);
    }
  }

  private constructor(name: string, started: ChildProcess) {
    this.name = name;
    this.#process = started;
    started.stdio[3]?.on("error", () => {}); // The tool ended, and says why.
    started.stderr?.on("data", (bytes) => {
      this.#output += bytes;
    });
    this.#failed = once(started, "close").then(() => {
      throw new Error(`${name}: ${firstLine(this.#output)}`);
    });
    this.#failed.catch(() => {}); // Those who wait for it are told.
  }

  /** perf's control protocol: a line on descriptor 3, "ack" on descriptor 4. */
  async command(line: string): Promise<void> {
    const [, , , control, acknowledgement] = this.#process.stdio;
    const answered = once(acknowledgement as NodeJS.EventEmitter, "data");
    (control as NodeJS.WritableStream).write(`${line}\n`);
    await Promise.race([answered, this.#failed]);
  }

  async says(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      await Promise.race([once(this.#process.stderr as NodeJS.EventEmitter, "data"), this.#failed]);
    }
  }

  /** Interrupts the tool and returns what it said. */
  async end(): Promise<string> {
    this.#process.kill("SIGINT");
    await this.#failed.catch(() => {});
    return this.#output;
  }
}

function firstLine(text: string): string {
  const [line] = text
    .replace(/^Error:\s*/, "")
    .trim()
    .split("\n");
  return line || "said nothing";
}
