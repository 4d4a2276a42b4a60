/** Starts the small programs of tests/programs as processes of their own, under either runtime. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { environment } from "../../scripts/environment.mjs";
import { type Runtime, thisRuntime } from "../peer/start.ts";

export { type Runtime, thisRuntime };
export const bothRuntimes: readonly Runtime[] = ["bun", "deno"];
export const otherRuntime: Runtime = thisRuntime === "bun" ? "deno" : "bun";

export interface ProgramOptions {
  /** Default: the one that the tests do not run under. */
  runtime?: Runtime;
  /** Permissions and other flags of Deno. Default: everything is allowed. */
  denoFlags?: readonly string[];
  /** Milliseconds after which it is killed, whatever it does. Default 20 seconds. */
  timeoutMs?: number;
}

export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it wrote to its standard error. */
  readonly errors: string;
}

/** The path of a runtime itself, since killing a wrapper leaves alone what it wraps. */
export function runtimePath(runtime: Runtime): string {
  if (runtime === thisRuntime) return process.execPath;
  const candidates = environment.PATH.split(delimiter).map((folder) => join(folder, runtime));
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found === undefined) throw new Error(`there is no ${runtime} on the PATH`);
  return found;
}

/**
 * Starts tests/programs/`name`.ts, which finds `args` in its `args` (tests/support/child.ts).
 * Hold it with `using`: it is killed when the test leaves the block.
 */
export function startProgram(name: string, args: object = {}, options: ProgramOptions = {}) {
  const { runtime = otherRuntime, denoFlags = ["--allow-all"], timeoutMs = 20_000 } = options;
  const file = fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url));
  const flags = runtime === "deno" ? ["run", "--no-lock", "--no-check", ...denoFlags] : [];
  const child = spawn(runtimePath(runtime), [...flags, file, JSON.stringify(args)], {
    env: environment,
    stdio: ["pipe", "pipe", "pipe"],
  });
  return new Program(name, child, timeoutMs);
}

export class Program implements Disposable {
  readonly pid: number;
  /** How it ended; never rejects. */
  readonly ended: Promise<End>;

  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #output = "";
  #errors = "";
  #end: End | undefined;
  #wake: () => void = () => {};

  constructor(name: string, child: ChildProcess, timeoutMs: number) {
    this.pid = child.pid ?? 0;
    this.#name = name;
    this.#child = child;
    child.stdout?.on("data", (chunk) => this.#read(String(chunk)));
    child.stderr?.on("data", (chunk) => {
      this.#errors += chunk;
    });
    // A program that ended already cannot be told anything; its end says so well enough.
    child.stdin?.on("error", () => {});
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    this.ended = new Promise((resolve) => {
      child.on("close", (code, signal) => {
        clearTimeout(timer);
        this.#end = { code, signal, errors: this.#errors };
        this.#wake();
        resolve(this.#end);
      });
    });
  }

  /** The next line that it prints, parsed. Rejects when it ends without another one. */
  async next<Report>(): Promise<Report> {
    while (this.#lines.length === 0) {
      if (this.#end !== undefined) {
        const { code, signal, errors } = this.#end;
        throw new Error(`${this.#name} ended with ${code ?? signal} and said no more: ${errors}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return JSON.parse(this.#lines.shift() as string) as Report;
  }

  /** Lets a program go on that waits in `awaitWord`. */
  tell(): void {
    this.#child.stdin?.write("\n");
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    if (this.#end !== undefined) return;
    try {
      // Not by the child's own method: in Deno that closes its input first, upon which it may end well.
      process.kill(this.pid, signal);
    } catch {
      // It has ended, which is not known here yet.
    }
  }

  [Symbol.dispose](): void {
    this.kill();
  }

  #read(chunk: string): void {
    const lines = (this.#output + chunk).split("\n");
    this.#output = lines.pop() ?? "";
    this.#lines.push(...lines);
    this.#wake();
  }
}
