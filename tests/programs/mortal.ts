/** An end of the library that dies when and how the test says, or tells the time until its end. */
import process from "node:process";
import { Consumer, Producer } from "../../src/index.ts";
import { messageAt, sizeAt } from "../peer/content.ts";
import { dieNow, pause, print, programArguments } from "../support/child.ts";

export interface MortalArguments {
  readonly path: string;
  readonly end: "producer" | "consumer";
  readonly seed?: number;
  readonly sizeMax?: number;
  /** Messages sent before the end, each of them the seed's and with its index as its type. */
  readonly count?: number;
  /** Sends until it is killed. */
  readonly streams?: boolean;
  /** A producer's messages that hold the time at which each was sent. Default 1, before it dies. */
  readonly times?: number;
  /** Milliseconds before each of those, or before a consumer dies. */
  readonly pauseMs?: number;
  /** Default: it dies as of kill -9. */
  readonly how?: "kill" | "exit" | "close";
}

const args = programArguments<MortalArguments>();
const { path, count = 0, seed = 1, sizeMax = 0, times = 1, pauseMs = 0, how = "kill" } = args;
const patience = { timeout: 10_000 };

function finish(end: Producer | Consumer): void {
  if (how === "kill") dieNow();
  if (how === "exit") process.exit(0);
  end.close();
}

function produce(): void {
  const producer = Producer.connectSync(path, patience);
  const limit = args.streams ? Number.POSITIVE_INFINITY : count;
  for (let i = 0; i < limit; i++) {
    producer.sendSync(messageAt(seed, i, sizeAt(seed, i, 0, sizeMax)), i, patience);
  }
  for (let i = 0; i < times; i++) {
    if (pauseMs > 0) pause(pauseMs);
    // The clock that two processes share, in milliseconds.
    producer.sendSync(new Uint8Array(Float64Array.of(Date.now()).buffer), count + i, patience);
  }
  finish(producer);
}

function consume(): void {
  const consumer = Consumer.connectSync(path, patience);
  if (pauseMs > 0) pause(pauseMs);
  print(Date.now());
  finish(consumer);
}

if (args.end === "producer") produce();
else consume();
