/**
 * One end of a channel that works by promises, and says after each step what came of it. With it
 * runs a timer, so that a step that blocked the event loop shows.
 */
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { Consumer, Producer } from "../../src/index.ts";
import { messageAt, sizeAt } from "../peer/content.ts";
import { dieNow, print, programArguments } from "../support/child.ts";
import { checksumOf } from "../support/seed.ts";

export interface AsyncEndArguments {
  readonly path: string;
  readonly end: "producer" | "consumer";
  /** Default: it connects. */
  readonly listens?: boolean;
  readonly capacity?: number;
  /** Microseconds; null never sleeps. */
  readonly spin?: number | null;
  readonly steps: readonly AsyncStep[];
}

export type AsyncStep = readonly [action: string, ...numbers: number[]];

const args = programArguments<AsyncEndArguments>();
const wait = args.spin === undefined ? {} : { spin: args.spin ?? Number.POSITIVE_INFINITY };
const seed = 7;

type Actions<End> = Record<string, (end: End, ...numbers: number[]) => unknown>;

const common: Actions<Producer | Consumer> = {
  stats: (end) => end.stats(),
  close: (end) => end.close(),
  pause: (_, milliseconds) => delay(milliseconds),
};

const producing: Actions<Producer> = {
  ...common,
  /** Messages that `receiveRandom` knows: how many, and how large at most. */
  sendRandom: async (end, count = 0, sizeMax = 0) => {
    for (let i = 0; i < count; i++) {
      await end.send(messageAt(seed, i, sizeAt(seed, i, 0, sizeMax)), i);
    }
  },
  claimRandom: async (end, count = 0, sizeMax = 0) => {
    for (let i = 0; i < count; i++) {
      const bytes = messageAt(seed, i, sizeAt(seed, i, 0, sizeMax));
      const slot = await end.claim(bytes.length);
      slot.bytes.set(bytes);
      slot.commit(bytes.length, i);
    }
  },
  /** Numbered messages, a few at a time, with pauses of 0 to 3 milliseconds. */
  trickle: async (end, count = 0, from = 0) => {
    for (let i = 0; i < count; i++) {
      await end.send(new Uint8Array(sizeAt(from, i, 0, 300)), i);
      const dice = sizeAt(from + 1, i, 0, 40);
      if (dice < 4) await delay(dice);
    }
  },
  /** Sends until it is killed or the consumer closes; how far it came. */
  flood: async (end, size = 8, typeId = 1) => {
    const bytes = new Uint8Array(size);
    try {
      while (true) await end.send(bytes, typeId);
    } catch (error) {
      return (error as Error).name;
    }
  },
};

const consuming: Actions<Consumer> = {
  ...common,
  receive: async (end) => (await end.receive())?.bytes.length ?? null,
  /** Everything up to the end: how many there were, and their checksum. */
  receiveRandom: async (end, pauseMs = 0) => {
    const received: Uint8Array[] = [];
    for await (const { bytes, typeId } of end) {
      if (typeId !== received.length) throw new Error(`type ${typeId}`);
      received.push(bytes);
      if (pauseMs > 0) await delay(pauseMs);
    }
    return { count: received.length, checksum: checksumOf(received) };
  },
  drainRandom: async (end, pauseMs = 0) => {
    const received: Uint8Array[] = [];
    for (let batch = await end.drain(7); batch !== null; batch = await end.drain(7)) {
      for (const { bytes } of batch) received.push(bytes.slice());
      batch.release();
      if (pauseMs > 0) await delay(pauseMs);
    }
    return { count: received.length, checksum: checksumOf(received) };
  },
};

async function take(act: () => unknown): Promise<void> {
  const begun = Date.now();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  try {
    const value = await act();
    print({ value, begun, ended: Date.now(), ticks });
  } catch (error) {
    const { name, message } = error as Error;
    print({ error: { name, message }, begun, ended: Date.now(), ticks });
  }
  clearInterval(timer);
}

async function play<End extends Producer | Consumer>(end: End, actions: Actions<End>) {
  await take(() => {});
  for (const [name, ...numbers] of args.steps) {
    const action = actions[name];
    await take(() => {
      if (action === undefined && name !== "die" && name !== "exit") throw new Error(`no ${name}`);
      return action?.(end, ...numbers);
    });
    if (name === "die") dieNow();
    if (name === "exit") process.exit(0);
  }
  end.close();
}

const { path, end, listens } = args;
const options = {
  timeout: 10_000,
  wait,
  ...(listens && args.capacity ? { capacity: args.capacity } : {}),
};
const how = listens ? "listen" : "connect";
if (end === "producer") await play(await Producer[how](path, options), producing);
else await play(await Consumer[how](path, options), consuming);
