import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { environment } from "../scripts/environment.mjs";

export type Runtime = "bun" | "deno";
export const runtimes: readonly Runtime[] = ["bun", "deno"];
export const runtimeName: Readonly<Record<Runtime, string>> = { bun: "Bun", deno: "Deno" };

/** Milliseconds that a process has to end by itself, which it does when its standard input ends. */
const leaveMax = 500;

/** Milliseconds that it has after it was told to end, to remove what would stay behind. */
const terminateMax = 1000;

/** Milliseconds that the longest block takes on the slowest machine; what takes more hangs. */
const hearMax = 120_000;

const running = new Set<LineProcess>();

/** Whether this process was interrupted, and only waits for the others to end. */
let isLeaving = false;

/** A process that answers each line that it is given with a line. */
export class LineProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #command: string;
  readonly #ended: Promise<void>;

  constructor(command: string, args: readonly string[]) {
    this.#command = [command, ...args].join(" ");
    this.#child = spawn(command, args, { env: environment, stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: this.#child.stdout });
    this.#lines = lines[Symbol.asyncIterator]();
    running.add(this);
    this.#ended = new Promise((resolve) => {
      this.#child.once("exit", () => {
        running.delete(this);
        resolve();
      });
    });
    // It is told of by the next `hear`.
    this.#child.stdin.on("error", () => {});
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  async hear(): Promise<string> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new Error(`${this.#command} did not answer within ${hearMax / 1000} s`));
    }, hearMax);
    try {
      const { value, done } = await Promise.race([this.#lines.next(), late.promise]);
      // There is nobody left to tell.
      if (done && isLeaving) await new Promise(() => {});
      if (done) throw new Error(`${this.#command} ended before it answered`);
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tells it, and hears its answer. */
  async ask<Answer>(question: string): Promise<Answer> {
    this.tell(question);
    return JSON.parse(await this.hear()) as Answer;
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Ends it, and gives one that has started others the time to end them first. */
  async leave(): Promise<void> {
    if (!running.has(this)) return;
    this.#child.stdin.end();
    const timers = [
      setTimeout(() => this.#child.kill("SIGTERM"), leaveMax),
      setTimeout(() => this.kill(), leaveMax + terminateMax),
    ];
    await this.#ended;
    timers.forEach(clearTimeout);
  }
}

/** Starts a script of this folder in a runtime. */
export function startScript(runtime: Runtime, file: string, args: readonly string[]): LineProcess {
  const script = fileURLToPath(new URL(file, import.meta.url));
  const flags = runtime === "bun" ? [] : ["run", "-A", "--no-check", "--no-lock"];
  return new LineProcess(runtime, [...flags, script, ...args]);
}

let nameCount = 0;

/** A name in the abstract namespace, where nothing is left behind, whatever ends this. */
export function newAddress(): string {
  return `@zerocross-bench-${process.pid}-${nameCount++}`;
}

let folder: string | undefined;

/** A path for files, in a folder that is removed at the end. */
export function newPath(): string {
  folder ??= mkdtempSync(join(tmpdir(), "zerocross-bench-"));
  return join(folder, String(nameCount++));
}

export function removeFiles(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}

/**
 * Ends every process and removes every file, also when this process is interrupted; interrupted
 * twice, it does not wait for them.
 */
export function cleanUpAtExit(): void {
  process.on("exit", () => {
    for (const child of running) child.kill();
    removeFiles();
  });
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  for (const [signal, code] of Object.entries(signals)) {
    process.on(signal, async () => {
      if (isLeaving) process.exit(code);
      isLeaving = true;
      await Promise.all([...running].map((child) => child.leave()));
      process.exit(code);
    });
  }
}
