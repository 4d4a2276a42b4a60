/** Listens in each way there is, and ends in the way that the test names. */
import { existsSync } from "node:fs";
import process from "node:process";
import { isMainThread, Worker } from "node:worker_threads";
import { Consumer, FanIn, serve } from "../../src/index.ts";
import { print, programArguments } from "../support/child.ts";

export interface ExitingArguments {
  readonly paths: readonly [channel: string, server: string, fanIn: string];
  readonly end: "process.exit" | "Deno.exit" | "throw" | "worker exits";
}

/** What it prints before it ends. */
export interface ExitingReport {
  /** Which of the paths exist. */
  readonly exist: readonly boolean[];
  /** How many handlers of the process's exit there are more than before, where that can be counted. */
  readonly handlers: number;
}

const { paths, end } = programArguments<ExitingArguments>();
const ends: Record<ExitingArguments["end"], () => void> = {
  "process.exit": () => process.exit(3),
  "Deno.exit": () => (globalThis as { Deno?: { exit(code: number): void } }).Deno?.exit(3),
  throw: () => {
    throw new Error("thrown as told");
  },
  "worker exits": () => process.exit(3),
};

if (end === "worker exits" && isMainThread) {
  const { argv } = process;
  const worker = new Worker(new URL(import.meta.url), { argv: argv.slice(2) });
  worker.on("exit", () => process.exit(3));
} else {
  await listenEverywhere();
  setTimeout(ends[end], 1);
}

async function listenEverywhere(): Promise<void> {
  const before = process.listenerCount("exit");
  // Those that have come to an end are not to be counted.
  for (let i = 0; i < 5; i++) await Consumer.listen(paths[0], { timeout: 0 }).catch(() => {});
  const [channel, server, fanIn] = paths;
  void Consumer.listen(channel);
  await serve({ path: server, handler: ({ bytes }) => bytes });
  await FanIn.listen(fanIn);
  print({
    exist: paths.map((path) => existsSync(path)),
    handlers: process.listenerCount("exit") - before,
  } satisfies ExitingReport);
}
