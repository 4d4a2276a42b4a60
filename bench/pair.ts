import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { environment, root } from "../scripts/environment.mjs";

export type Runtime = "bun" | "deno";

/** Two processes that run a block of repetitions when they are told to, and sleep otherwise. */
export interface Pair {
  readonly pids: readonly number[];
  /** Nanoseconds that a block of `count` repetitions took. */
  run(count: number): Promise<number>;
  close(): Promise<void>;
}

/** A process that answers each line that it is given with a line. */
class LineProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #command: string;

  constructor(command: string, args: readonly string[]) {
    this.#command = [command, ...args].join(" ");
    this.#child = spawn(command, args, { env: environment, stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: this.#child.stdout });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  async hear(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.#command} ended before it answered`);
    return value;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin.end();
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** Two native processes, forked by zig-out/bin/native. */
export function nativePair(what: string, cores: readonly [number, number]): Pair {
  const sides = new LineProcess(join(root, "zig-out/bin/native"), [what, ...cores.map(String)]);
  return {
    pids: [sides.pid],
    async run(count) {
      sides.tell(String(count));
      const [, elapsed] = (await sides.hear()).split(" ");
      return Number(elapsed);
    },
    close: () => sides.close(),
  };
}

let pairCount = 0;

/** Two JavaScript processes, each in a runtime of its own. */
export function scriptPair(
  name: string,
  runtimes: readonly [Runtime, Runtime],
  cores: readonly [number, number],
): Pair {
  // In the abstract namespace nothing is left behind, whatever ends this.
  const address = `@zerocross-bench-${process.pid}-${pairCount++}`;
  const start = (runtime: Runtime, position: string, core: number) =>
    new LineProcess(runtime, [...runArguments(runtime), name, position, address, String(core)]);
  const sides = [
    start(runtimes[0], "first", cores[0]),
    start(runtimes[1], "second", cores[1]),
  ] as const;
  return {
    pids: sides.map((side) => side.pid),
    async run(count) {
      // The second side first, so that it is ready when the first one begins.
      sides[1].tell(String(count));
      sides[0].tell(String(count));
      const [elapsed] = await Promise.all(sides.map((side) => side.hear()));
      return Number(elapsed);
    },
    async close() {
      await Promise.all(sides.map((side) => side.close()));
    },
  };
}

function runArguments(runtime: Runtime): string[] {
  const script = fileURLToPath(new URL("side.ts", import.meta.url));
  return runtime === "bun" ? [script] : ["run", "-A", "--no-check", script];
}
