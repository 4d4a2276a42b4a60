/** Opens one pair of each kind in this process, uses it, and says what came of it and what is left. */
import { existsSync, statSync } from "node:fs";
import process from "node:process";
import { Consumer, FanIn, Producer, RpcClient, RpcResponder, serve } from "../../../src/index.ts";
import { print, programArguments } from "../../../tests/support/child.ts";
import {
  addedDescriptors,
  channelMappings,
  openDescriptors,
} from "../../../tests/support/memory.ts";
import { hideProc, showProc } from "../kernel.ts";

export interface ExchangeArguments {
  /** What the paths begin with. */
  readonly path: string;
  /** Only root can. */
  readonly hidesProc?: boolean;
}

/** The name of what was tried, and "ok" or what it failed with. */
export type Outcomes = Record<string, string>;

export interface ExchangeReport {
  readonly outcomes: Outcomes;
  readonly added: string[];
  readonly mappings: string[];
}

const { path, hidesProc = false } = programArguments<ExchangeArguments>();
const options = { capacity: 4096, timeout: 5000 };
const count = 100;
let paths = 0;
const newPath = () => `${path}-${paths++}`;

function expect(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what} is ${found}; expected ${expected}`);
}

/** Waits on both sides, since every message is asked for before it is sent. */
async function exchange(producer: Producer, consumer: Consumer): Promise<void> {
  for (let i = 0; i < count; i++) {
    const receiving = consumer.receive({ timeout: 5000 });
    if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await producer.send(Uint8Array.of(i), 7, { timeout: 5000 });
    expect("the message", (await receiving)?.bytes[0], i);
  }
}

const attempts: Record<string, () => Promise<void>> = {
  async channel() {
    const at = newPath();
    const [producer, consumer] = await pair(Producer.listen(at, options), () =>
      Consumer.connect(at),
    );
    using _ = producer;
    using __ = consumer;
    expect("the file", existsSync(at), false);
    await exchange(producer, consumer);
  },

  async mode() {
    const at = newPath();
    const before = process.umask(0o077);
    let mode: number | undefined;
    const authorize = () => {
      if (!at.startsWith("@")) mode = statSync(at).mode & 0o777;
      return true;
    };
    try {
      const listening = Producer.listen(at, { ...options, mode: 0o660, authorize });
      const [producer, consumer] = await pair(listening, () => Consumer.connect(at));
      producer.close();
      consumer.close();
    } finally {
      process.umask(before);
    }
    expect("the mode", mode, at.startsWith("@") ? undefined : 0o660);
  },

  async serve() {
    const at = newPath();
    let heard: Error | undefined;
    const onError = (error: Error) => {
      heard = error;
    };
    await using _ = await serve({
      path: at,
      capacity: 4096,
      handler: ({ bytes }) => bytes,
      onError,
    });
    using client = await RpcClient.connect(at).catch((error) => {
      throw heard ?? error;
    });
    for (let i = 0; i < count; i++) {
      const { bytes } = await client.call(Uint8Array.of(i), { timeout: 5000 });
      expect("the reply", bytes[0], i);
    }
  },

  async responder() {
    const at = newPath();
    const [responder, client] = await pair(RpcResponder.listen(at, options), () =>
      RpcClient.connect(at),
    );
    responder.close();
    client.close();
  },

  async fanIn() {
    const at = newPath();
    await using fanIn = await FanIn.listen(at, options);
    const receiving = fanIn.receive({ timeout: 5000 });
    // Where nobody can connect, it rejects unheard.
    receiving.catch(() => {});
    using producer = await Producer.connect(at);
    await producer.send(Uint8Array.of(1));
    expect("the message", (await receiving).bytes[0], 1);
    producer.trySend(Uint8Array.of(2));
    expect("the message", fanIn.receiveSync({ timeout: 5000 }).bytes[0], 2);
  },
};

/** Both ends at once; when listening fails, nobody connects. */
async function pair<Listening extends Disposable, Connecting extends Disposable>(
  listening: Promise<Listening>,
  connect: () => Promise<Connecting>,
): Promise<[Listening, Connecting]> {
  // A path that cannot be bound is known at once.
  await Promise.race([listening, new Promise((resolve) => setTimeout(resolve, 1))]);
  const connecting = connect();
  // What one side has under way must be over before anything is counted.
  await Promise.allSettled([listening, connecting]);
  return [await listening, await connecting];
}

async function attempt(name: string, body: () => Promise<void>): Promise<[string, string]> {
  try {
    await body();
    return [name, "ok"];
  } catch (error) {
    const { name: kind, message } = error as Error;
    return [name, `${kind}: ${message}`];
  }
}

async function attemptAll(): Promise<Outcomes> {
  const outcomes: [string, string][] = [];
  for (const [name, body] of Object.entries(attempts)) outcomes.push(await attempt(name, body));
  return Object.fromEntries(outcomes);
}

// What a runtime opens with its first use stays, and without /proc it could not even be opened.
await attemptAll();
const before = openDescriptors();
if (hidesProc) hideProc();
const outcomes = await attemptAll();
if (hidesProc) showProc();
// A runtime opens sockets of its own whenever it likes; every connection of ours comes with a pidfd.
const added = addedDescriptors(before).filter((target) => /memfd|pidfd/.test(target));
print({ outcomes, added, mappings: channelMappings() } satisfies ExchangeReport);
process.exit(0);
