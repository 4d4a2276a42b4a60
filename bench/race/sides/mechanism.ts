import type { ChildProcess } from "node:child_process";
import type { Runtime } from "../../line-process.ts";
import type { Caller } from "./calls.ts";
import type { Laps } from "./laps.ts";

/** What both sides do at the same time: one answers or takes what the other sends. */
export interface Block {
  readonly form: "round-trip" | "one-way";
  readonly count: number;
  /** Bytes of payload. */
  readonly size: number;
  /** Every byte is compared. */
  readonly isWhole: boolean;
  /** Milliseconds of silence before each round trip, where event loops are to fall asleep. */
  readonly pauseMs: number;
}

/** The side that answers, or takes. */
export interface SecondHalf {
  /** Its part of a block. What does not block has set up its receiving when this returns. */
  run(block: Block): void | Promise<void>;
  /** Frees the other side, where only that would make it notice. */
  close?(): void;
}

export type TimedBlock = Block & {
  /** A lap for each round trip. */
  readonly laps: Laps;
};

/** The side that starts a block, and by whose clock it is timed. */
export interface FirstHalf {
  /** Before the clock starts. */
  prepare?(): void;
  run(block: TimedBlock): void | Promise<void>;
  /** After the clock has stopped. */
  finish?(): void;
  /** Where a message is a call: for programs that call by themselves. */
  readonly caller?: Caller<unknown>;
}

/** How the second process is started, where that is the mechanism. */
export type Start = "spawn" | "fork" | "pipes";

export interface FirstSide {
  /** For the names of sockets. */
  readonly prefix: string;
  /** Starts the second process, and resolves when that has said hello. */
  startProcess(how?: Start): Promise<{ readonly child: ChildProcess; readonly address: unknown }>;
  /** Starts the second side as a thread of this process. */
  startWorker(memory?: SharedArrayBuffer): Promise<Worker>;
  /** For what goes wrong in a callback. */
  fail(error: unknown): void;
}

/** What a worker has of its own, in both runtimes. */
export interface WorkerScope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(value: unknown): void;
}

export interface SecondSide {
  readonly prefix: string;
  /** Of the first side's `startWorker`. */
  readonly memory: SharedArrayBuffer | undefined;
  /** Says that the first side may connect. */
  hello(address?: unknown): Promise<void>;
  fail(error: unknown): void;
}

export interface Mechanism {
  /** Both sides wait on their threads, and so may have a core each. */
  readonly isBlocking: boolean;
  /** The sides are threads of one process. */
  readonly isInProcess?: boolean;
  /** One way only. */
  readonly isOneWay?: boolean;
  /** Of the second process, where that is not the first one's. */
  readonly secondRuntime?: Runtime;
  /** The largest payload; missing where anything up to 1 MiB and more goes. */
  readonly maxSize?: number;
  /** Why it cannot run here. */
  whyForbidden?(): Promise<string | undefined>;
  first(side: FirstSide): Promise<FirstHalf>;
  second(side: SecondSide): Promise<SecondHalf>;
}
