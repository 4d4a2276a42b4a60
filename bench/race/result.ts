/** What a race leaves behind: the content of `--json FILE`, from which every report is made. */
import type { Machine } from "../machine.ts";

export type Runner = "native" | "bun" | "deno";

/** Of what kind a mechanism is: what it is grouped and coloured by. */
export type Family =
  | "floor"
  | "ring"
  | "shared memory"
  | "pipe"
  | "socket"
  | "queue"
  | "signal"
  | "in-process";

/** What a side does that has nothing to read yet. */
export type Waiting = "spins" | "sleeps" | "spins, then sleeps";

/** What is known of a mechanism without measuring it. */
export interface Mechanism {
  /** Unique, what `--only` takes: `native/pipe`, `bun/process-send`. */
  readonly id: string;
  readonly runner: Runner;
  /** As a reader of the report knows it: "pipe", "process.send". */
  readonly name: string;
  readonly family: Family;
  readonly waiting: Waiting;
  /** How often the bytes of a message are copied between the sender's buffer and the receiver's: by design. */
  readonly copies: number;
  /** What a reader has to know: "in-process: no second process", "notification alone; the payload is in shared memory". */
  readonly note?: string;
}

/** A figure with what it was in each block, in the order in which the blocks ran. */
export interface Figure {
  /** The median of the blocks. */
  readonly median: number;
  /** The 10th and the 90th percentile of the blocks. */
  readonly p10: number;
  readonly p90: number;
  readonly blocks: readonly number[];
}

/** Nanoseconds of a round trip, over all samples of all blocks. */
export interface RoundTrip {
  /** Bytes of payload, each way. */
  readonly size: number;
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** The median of each block's samples. */
  readonly blockMedians: Figure;
  /** What a reading of the clock costs there, which every sample contains. Missing in the oldest files. */
  readonly clockNs?: number;
  /** Context switches of both sides, for each round trip. */
  readonly voluntarySwitches: number;
  readonly involuntarySwitches: number;
  /** CPU time of both sides, for each round trip (ns). */
  readonly cpuNs: number;
}

/** Round trips of which each came after 20 ms without a message (ns). */
export type AfterSilence = Pick<RoundTrip, "count" | "p50" | "p99" | "blockMedians">;

export interface OneWay {
  /** Bytes of payload. */
  readonly size: number;
  /** Messages, over all blocks. */
  readonly count: number;
  readonly messagesPerSecond: Figure;
  /** CPU time of both sides, for each message (ns). */
  readonly cpuNs: number;
}

/** A size of the sweep that a mechanism does not take, and why. */
export interface NotTaken {
  readonly size: number;
  readonly reason: string;
}

/** What the kernel counted, or why it did not. */
export type Calls =
  | { readonly perOne: number; readonly by: "perf_event_open" }
  | { readonly reason: string };

/** The handover of a large block of bytes: from a filled buffer of the sender's to a receiver that read all of it. */
export interface Handover {
  readonly size: number;
  readonly milliseconds: Figure;
}

export interface Row extends Mechanism {
  /** Why it did not run, where it did not: the machine, the runtime or the request forbids it. */
  readonly forbidden?: string;
  /** What went wrong while it ran; it has no figures then. */
  readonly failed?: string;
  readonly roundTrip?: RoundTrip | NotTaken;
  readonly afterSilence?: AfterSilence;
  /** Messages of `oneWaySize` bytes, the usual comparison. */
  readonly oneWay?: OneWay | NotTaken;
  readonly sweep?: readonly (OneWay | NotTaken)[];
  readonly handover?: Handover;
  readonly callsPerRoundTrip?: Calls;
  readonly callsPerMessage?: Calls;
}

export type Unit = "ms" | "µs" | "%" | "/s" | "KiB" | "bytes" | "times" | "";

/** What is measured of whole programs rather than of two sides that exchange messages. */
export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  /** What a reader of the figures must know. */
  readonly notes: readonly string[];
  readonly columns: readonly { readonly name: string; readonly unit: Unit }[];
  readonly rows: readonly ScenarioRow[];
}

export interface ScenarioRow {
  /** Unique: `bun/idle-100-consumers`. */
  readonly id: string;
  readonly name: string;
  /** One for each column; null where there is nothing to say. */
  readonly values: readonly (number | null)[];
}

/** What the project asks of itself, and what came of it. */
export interface GoalOutcome {
  readonly name: string;
  readonly asked: string;
  readonly measured: string;
  readonly reached: boolean;
}

export interface Race {
  /** Of this format. */
  readonly version: 1;
  readonly machine: Machine;
  /** As little as shows that everything works: no figure counts. */
  readonly quick: boolean;
  readonly seconds: number;
  readonly settings: {
    readonly cores: readonly [number, number];
    /** Whether the kernel let the spinning sides be pinned, or why not. */
    readonly pinned: boolean | string;
    readonly roundTripSize: number;
    readonly oneWaySize: number;
    readonly sizes: readonly number[];
    /** Round trips of each mechanism at most. */
    readonly count: number;
  };
  /** What the samples were timed with, and what a reading costs natively (ns). */
  readonly clock: { readonly name: string; readonly readingNs: number };
  /** An empty system call, on one core, alone (ns), without the reading of the clock. Missing where it could not be measured. */
  readonly emptyCallNs?: Figure;
  /** The bare line's round trip (ns) beside the mechanisms of each runner: shows whether the machine drifted. */
  readonly bareLineNs: Readonly<Partial<Record<Runner, Figure>>>;
  readonly rows: readonly Row[];
  readonly scenarios: readonly ScenarioResult[];
  readonly goals: readonly GoalOutcome[];
}
