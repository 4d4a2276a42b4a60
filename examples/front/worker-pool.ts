// Worker processes, each with an RpcClient to ask it. One that dies is replaced.

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Message, RpcClient } from "zerocross";

const program = fileURLToPath(new URL("worker.ts", import.meta.url));

const restartPauseMs = 200;
const stopTimeoutMs = 5000;

export class WorkerProcess {
  readonly pid: number;
  readonly #client: RpcClient;
  /** Calls under way. */
  calls = 0;

  constructor(pid: number, client: RpcClient) {
    this.pid = pid;
    this.#client = client;
  }

  async call(bytes: Uint8Array, timeout: number): Promise<Message> {
    this.calls += 1;
    try {
      return await this.#client.call(bytes, { timeout });
    } finally {
      this.calls -= 1;
    }
  }
}

export class WorkerPool implements AsyncDisposable {
  /** Those that can be asked; the one that was asked last stands at the end. */
  #workers: WorkerProcess[] = [];
  readonly #children = new Set<Bun.Subprocess>();
  readonly #keepers: Promise<void>[];
  #isStopping = false;
  /** Resolves when all of them can be asked. */
  readonly started: Promise<unknown>;

  constructor(count: number) {
    const starts = Array.from({ length: count }, () => Promise.withResolvers<void>());
    this.#keepers = starts.map(({ resolve }, index) => this.#keep(index, resolve));
    this.started = Promise.all(starts.map(({ promise }) => promise));
  }

  /** `undefined`: none is up. */
  leastBusy(): WorkerProcess | undefined {
    const [first, ...others] = this.#workers;
    if (first === undefined) return undefined;
    const chosen = others.reduce((best, next) => (next.calls < best.calls ? next : best), first);
    this.#workers = [...this.#workers.filter((worker) => worker !== chosen), chosen];
    return chosen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    for (const child of this.#children) child.disconnect();
    const timer = setTimeout(() => {
      for (const child of this.#children) child.kill("SIGKILL");
    }, stopTimeoutMs);
    await Promise.all(this.#keepers);
    clearTimeout(timer);
  }

  async #keep(index: number, onStart: () => void): Promise<void> {
    while (!this.#isStopping) {
      const end = await this.#run(`@front-${process.pid}-${index}`, onStart);
      if (this.#isStopping) return;
      console.error(`${end}; starting another one.`);
      await sleep(restartPauseMs);
    }
  }

  /** Starts one worker process, and returns how it ended. */
  async #run(path: string, onStart: () => void): Promise<string> {
    const exit = new AbortController();
    // It has the IPC channel only to see it end: when it is to stop, and when this process dies.
    const child = Bun.spawn([process.execPath, program, path], {
      stdio: ["ignore", "inherit", "inherit"],
      ipc() {},
      onExit: () => exit.abort(new Error("its process ended")),
    });
    this.#children.add(child);
    try {
      using client = await RpcClient.connect(path, { signal: exit.signal });
      const worker = new WorkerProcess(child.pid, client);
      this.#workers.push(worker);
      onStart();
      await child.exited;
      this.#workers = this.#workers.filter((other) => other !== worker);
      return `Worker ${child.pid} ended (${child.signalCode ?? child.exitCode})`;
    } catch (error) {
      child.kill("SIGKILL");
      await child.exited;
      return `Worker ${child.pid} did not start: ${error}`;
    } finally {
      this.#children.delete(child);
    }
  }
}
