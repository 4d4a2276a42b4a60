/** One end of a channel, which takes the steps that the test names and reports after each. */
import process from "node:process";
import { Consumer, Producer } from "../../src/index.ts";
import { messageAt, sizeAt } from "../peer/content.ts";
import { awaitWord, dieNow, pause, print, programArguments } from "../support/child.ts";
import { channelMappings } from "../support/memory.ts";
import { checksumOf } from "../support/seed.ts";

export interface EndArguments {
  readonly path: string;
  readonly end: "producer" | "consumer";
  /** Default: it connects. */
  readonly listens?: boolean;
  readonly options?: { capacity?: number; wire?: 2 | 3 | 4; timeout?: number };
  /** Microseconds; null never sleeps. */
  readonly spin?: number | null;
  readonly steps: readonly Step[];
}

export type Step = readonly [action: string, ...numbers: number[]];

/** Of one step, the first being that it met the other end. Times are milliseconds since the epoch. */
export interface Outcome<Value = unknown> {
  readonly value?: Value;
  readonly error?: { readonly name: string; readonly message: string };
  readonly begun: number;
  readonly ended: number;
}

const { path, end, listens, options, spin, steps } = programArguments<EndArguments>();
const wait = spin === undefined ? {} : { spin: spin ?? Number.POSITIVE_INFINITY };
const given = { timeout: 10_000, ...options, wait };
const seed = 7;

// The steps "die" and "exit" do what they say once they are reported.
type Actions<End> = Record<string, (end: End, ...numbers: number[]) => unknown>;

const common: Actions<Producer | Consumer> = {
  stats: (end) => end.stats(),
  peer: (end) => end.peer,
  close: (end) => end.close(),
  mappings: () => channelMappings(),
  awaitWord: () => awaitWord(),
  pause: (_, milliseconds) => pause(milliseconds as number),
};

const producing: Actions<Producer> = {
  ...common,
  /** Messages that `receiveRandom` knows: how many, and how large at most. */
  sendRandom: (end, count = 0, sizeMax = 0) => {
    for (let i = 0; i < count; i++) {
      end.sendSync(messageAt(seed, i, sizeAt(seed, i, 0, sizeMax)), i, { timeout: 5000 });
    }
  },
  sendSync: (end, size, timeout = 5000) => end.sendSync(new Uint8Array(size ?? 0), 1, { timeout }),
  claimSync: (end, size, timeout = 5000) => end.claimSync(size ?? 0, { timeout }).commit(),
  /** Sends until that throws; how far it came. */
  fill: (end, size, timeout = 5000) => {
    while (true) end.sendSync(new Uint8Array(size ?? 0), 1, { timeout });
  },
  stage: (end, count = 0) => {
    for (let i = 0; i < count; i++) end.claimSync(8).stage();
  },
};

const consuming: Actions<Consumer> = {
  ...common,
  receiveSync: (end, timeout = 5000) => end.receiveSync({ timeout })?.bytes.length ?? null,
  receiveIntoSync: (end, timeout = 5000) => {
    return end.receiveIntoSync(new Uint8Array(end.maxMessageSize), { timeout });
  },
  drainSync: (end, timeout = 5000) => {
    using batch = end.drainSync(1, { timeout });
    return batch?.size(0) ?? null;
  },
  /** Everything up to the end: how many there were, and their checksum. */
  receiveRandom: (end, pauseMs = 0) => {
    const received: Uint8Array[] = [];
    for (let message = end.receiveSync(); message !== null; message = end.receiveSync()) {
      if (message.typeId !== received.length) throw new Error(`type ${message.typeId}`);
      received.push(message.bytes);
      if (pauseMs > 0) pause(pauseMs);
    }
    return { count: received.length, checksum: checksumOf(received) };
  },
  /** Everything up to the end, whatever it is: how many there were. */
  receiveAll: (end) => {
    let count = 0;
    while (end.receiveSync({ timeout: 5000 }) !== null) count++;
    return count;
  },
  /** Waits for a message in vain: the processor time in milliseconds that this took. */
  idle: (end, timeout) => {
    const before = process.cpuUsage();
    try {
      end.receiveSync({ timeout: timeout as number });
    } catch {}
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  },
};

function take(act: () => unknown): Outcome {
  const begun = Date.now();
  try {
    const value = act();
    return { value, begun, ended: Date.now() };
  } catch (error) {
    const { name, message } = error as Error;
    return { error: { name, message }, begun, ended: Date.now() };
  }
}

function play<End extends Producer | Consumer>(end: End, actions: Actions<End>): void {
  print(take(() => {}));
  for (const [name, ...numbers] of steps) {
    const action = actions[name];
    print(take(() => action?.(end, ...numbers)));
    if (name === "die") dieNow();
    if (name === "exit") process.exit(0);
  }
  end.close();
}

const how = listens ? "listenSync" : "connectSync";
if (end === "producer") play(Producer[how](path, given), producing);
else play(Consumer[how](path, given), consuming);
