import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Caller } from "./calls.ts";
import { now } from "./clock.ts";
import { Control, listenForControl, Mailbox, type News } from "./control.ts";
import { Laps } from "./laps.ts";
import type { Block, FirstHalf, FirstSide, Mechanism, Start } from "./mechanism.ts";
import { WrongPayload } from "./payload.ts";
import { commandOf } from "./runtime.ts";
import { addUsage, nothingUsed, type Usage, usageNow, usageSince } from "./usage.ts";
import type { WorkerOrder } from "./worker.ts";

export interface FirstOptions {
  readonly name: string;
  readonly mechanism: Mechanism;
  /** Of the second side: a number; "-" for none. */
  readonly core: string;
  readonly prefix: string;
  /** The second side has failed, or is gone. */
  whenLost(error: unknown): void;
}

export interface Measured extends Usage {
  readonly elapsedNs: number;
}

/** Milliseconds in which the second side says what was wrong, when it was the one to see that. */
const wordMax = 500;

const scripts = new URL(".", import.meta.url);
const pipes = {
  spawn: ["ignore", "ignore", "inherit"],
  pipes: ["pipe", "pipe", "inherit"],
  fork: ["ignore", "ignore", "inherit", "ipc"],
} as const;

/** This process's side of a mechanism, and the one that starts the other. */
export class First {
  readonly #options: FirstOptions;
  readonly #server: Server;
  /** Rejects when the second side has failed or is gone. */
  readonly #lost = Promise.withResolvers<never>();
  readonly #news = new Mailbox<News>();
  #control: Control | undefined;
  #child: ChildProcess | undefined;
  #half: FirstHalf | undefined;
  #isSecondPinned = false;

  private constructor(options: FirstOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.#lost.promise.catch(() => {});
    process.on("exit", () => this.#cleanUp());
  }

  static async open(options: FirstOptions): Promise<First> {
    const first = new First(options, await listenForControl(options.prefix));
    const side: FirstSide = {
      prefix: options.prefix,
      startProcess: (how) => first.#startProcess(how),
      startWorker: (memory) => first.#startWorker(memory),
      fail: (error) => first.#lost.reject(error),
    };
    first.#half = await first.#orLost(options.mechanism.first(side));
    first.#lost.promise.catch(options.whenLost);
    return first;
  }

  get processes(): number[] {
    const second = this.#child?.pid;
    return second === undefined ? [process.pid] : [process.pid, second];
  }

  get isSecondPinned(): boolean {
    return this.#isSecondPinned;
  }

  /** Runs a block on both sides. */
  async run(block: Block, laps = new Laps(block.count)): Promise<Measured> {
    try {
      return await this.#run(block, laps);
    } catch (error) {
      if (error instanceof WrongPayload) throw error;
      // The cause may lie on the other side, and this one only have noticed that it is gone.
      const silence = new Promise<never>((_, reject) => setTimeout(reject, wordMax, error));
      throw await Promise.race([this.#lost.promise, silence]).catch((cause: unknown) => cause);
    }
  }

  /** What it calls the second side with, which answers calls of that size from now on. */
  async callerOf(size: number): Promise<Caller<unknown>> {
    const caller = this.#half?.caller;
    if (caller === undefined) throw new Error(`${this.#options.name} has no calls`);
    caller.prepare?.(size);
    await this.#control?.tell({
      form: "one-way",
      count: Number.MAX_SAFE_INTEGER,
      size,
      isWhole: false,
      pauseMs: 0,
    });
    await this.#hear();
    return caller;
  }

  async #run(block: Block, laps: Laps): Promise<Measured> {
    await this.#control?.tell(block);
    await this.#hear();
    this.#half?.prepare?.();
    const before = usageNow();
    const start = now();
    await this.#orLost(this.#half?.run({ ...block, laps }));
    const elapsedNs = Math.round(now() - start);
    const here = usageSince(before);
    this.#half?.finish?.();
    const { done = nothingUsed } = await this.#hear();
    return { elapsedNs, ...(this.#options.mechanism.isInProcess ? here : addUsage(here, done)) };
  }

  async #startProcess(how: Start = "spawn") {
    const { name, core, prefix, mechanism } = this.#options;
    const script = fileURLToPath(new URL("second.ts", scripts));
    const args = [name, core, prefix];
    const stdio = [...pipes[how]];
    const [program, ...before] = commandOf(script, mechanism.secondRuntime);
    const child =
      how === "fork"
        ? fork(script, args, { stdio })
        : spawn(program, [...before, ...args], { stdio });
    this.#child = child;
    child.once("exit", () => this.#lose());
    return { child, address: await this.#awaitHello() };
  }

  async #startWorker(memory?: SharedArrayBuffer): Promise<Worker> {
    const { name, core, prefix } = this.#options;
    const worker = new Worker(new URL("worker.ts", scripts), { type: "module" });
    worker.onerror = (event) => this.#lost.reject(new Error(event.message));
    const order: WorkerOrder = { name, core, prefix, memory };
    worker.postMessage(order);
    await this.#awaitHello();
    return worker;
  }

  async #awaitHello(): Promise<unknown> {
    const [socket] = (await this.#orLost(once(this.#server, "connection"))) as [Socket];
    this.#control = new Control(socket, (message) => {
      const news = message as News;
      if (news.error === undefined) this.#news.put(news);
      else this.#lost.reject(new Error(news.error));
    });
    void this.#control.ended.then(() => this.#lose());
    const { hello, isPinned } = await this.#hear();
    this.#isSecondPinned = isPinned === true;
    return hello;
  }

  #hear(): Promise<News> {
    return this.#orLost(this.#news.take());
  }

  #lose(): void {
    // What it said last is still being read.
    setTimeout(() => this.#lost.reject(new Error("the second side has ended")), 50);
  }

  async #orLost<Value>(value: Value | Promise<Value>): Promise<Value> {
    return await Promise.race([value, this.#lost.promise]);
  }

  #cleanUp(): void {
    this.#child?.kill("SIGKILL");
    const { prefix } = this.#options;
    const [folder, start] = [dirname(prefix), `${basename(prefix)}.`];
    // Who made the folder may have removed it already.
    const names = existsSync(folder) ? readdirSync(folder) : [];
    for (const name of names.filter((name) => name.startsWith(start))) {
      rmSync(join(folder, name), { force: true });
    }
  }
}
