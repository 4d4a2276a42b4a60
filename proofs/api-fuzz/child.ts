/**
 * Plays sequences in this thread and in workers that share the library. It may die of any of them;
 * main.ts watches it.
 */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { print, programArguments } from "../../tests/support/child.ts";
import { addedDescriptors, channelMappings, openDescriptors } from "../../tests/support/memory.ts";
import { collectGarbage } from "./garbage.ts";
import { explain, type Failure, playOn, sum } from "./player.ts";
import { Progress } from "./progress.ts";
import { play, type Sequence } from "./sequence.ts";
import type { WorkerOrder, WorkerReport } from "./worker.ts";
import type { Tally } from "./world.ts";

export interface ChildArguments {
  /** Plays the sequence in this file, as often as this, and nothing else. */
  readonly alone?: { readonly file: string; readonly times: number };
  readonly seed: number;
  readonly calls: number;
  /** Threads that play at once, this one included. */
  readonly threads: number;
  /** A folder for the notes of what each thread plays. */
  readonly notes: string;
}

/** One line that it prints. */
export interface ChildReport {
  readonly calls?: number;
  readonly failure?: { readonly seed?: number; readonly path?: string; readonly message: string };
  readonly done?: ChildFigures;
}

export interface ChildFigures {
  readonly rounds: number;
  readonly terminated: number;
  readonly tally: Readonly<Record<string, number>>;
}

/** Calls after which the workers end, and everything must have been given back. */
const callsPerRound = 50_000;
/** One worker of every so many rounds is terminated in the middle of what it does. */
const terminatedEvery = 4;
/** Seeds of two threads, or two rounds, never meet. */
const seedsApart = 10_000;

const args = programArguments<ChildArguments>();
const tally: Tally = new Map();
const failure = args.alone ? await playAlone(args.alone) : await playRounds();
if (failure !== undefined) print({ failure } satisfies ChildReport);
process.exit(failure === undefined ? 0 : 1);

async function playAlone({ file, times }: { file: string; times: number }) {
  const sequence = JSON.parse(readFileSync(file, "utf8")) as Sequence;
  for (let i = 0; i < times; i++) {
    try {
      await play(sequence, tally);
      collectGarbage();
      await delay(1);
    } catch (error) {
      return { message: explain(error) };
    }
  }
  return undefined;
}

async function playRounds(): Promise<ChildReport["failure"]> {
  let terminated = 0;
  let rounds = 0;
  // What the runtime opens for itself, and what terminated workers could not give back.
  let descriptors: string[] | undefined;
  let mappings = 0;
  while (sum(tally) < args.calls) {
    const isTerminating = rounds % terminatedEvery === terminatedEvery - 1;
    const failure = await playRound(rounds, isTerminating);
    if (failure !== undefined) return failure;
    rounds += 1;
    if (isTerminating) terminated += 1;
    if (descriptors === undefined || isTerminating) {
      await givenBack(() => channelMappings().length <= mappings);
      mappings = channelMappings().length;
      descriptors = openDescriptors();
      continue;
    }
    const known = descriptors;
    const isClean = () =>
      channelMappings().length <= mappings && addedDescriptors(known).length === 0;
    if (!(await givenBack(isClean))) {
      const left = [...channelMappings(), ...addedDescriptors(known)];
      return { message: `round ${rounds} left behind:\n${left.join("\n")}` };
    }
  }
  print({ done: { rounds, terminated, tally: Object.fromEntries(tally) } } satisfies ChildReport);
  return undefined;
}

async function playRound(round: number, isTerminating: boolean): Promise<Failure | undefined> {
  const before = sum(tally);
  const target = Math.min(args.calls - before, callsPerRound);
  const progress = new Progress(target);
  const orderOf = (thread: number): WorkerOrder => ({
    seed: args.seed + (round * args.threads + thread) * seedsApart,
    notes: `${args.notes}/${thread}`,
    target,
    shared: progress.shared,
  });
  const workers: Promise<WorkerReport>[] = [];
  for (let thread = 1; thread < args.threads; thread++) {
    workers.push(startWorker(orderOf(thread), isTerminating && thread === 1));
  }
  // Says nothing while nothing goes on, so that a hang is noticed.
  let said = 0;
  const say = () => {
    if (progress.made > said) print({ calls: before + progress.made } satisfies ChildReport);
    said = progress.made;
  };
  const timer = setInterval(say, 1000);
  const { seed, notes } = orderOf(0);
  const failures = [await playOn(seed, notes, tally, progress)];
  for (const report of await Promise.all(workers)) {
    for (const [name, count] of report.tally) tally.set(name, (tally.get(name) ?? 0) + count);
    failures.push(report.failure);
  }
  clearInterval(timer);
  say();
  return failures.find((failure) => failure !== undefined);
}

/** Resolves with its figures, when it is done or, if it is to be terminated, when the round is half done. */
function startWorker(order: WorkerOrder, isTerminated: boolean): Promise<WorkerReport> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onerror = (event) => {
      event.preventDefault?.();
      reject(new Error(`a worker ended: ${event.message}`));
    };
    worker.onmessage = ({ data }: MessageEvent<WorkerReport>) => {
      if (data.what === "ready") worker.postMessage(order);
      else if (data.what === "done" || isTerminated) {
        worker.terminate();
        resolve(data);
      }
    };
  });
}

/** Whether it is so in the end: the collector tells between two turns what it has collected. */
async function givenBack(isSo: () => boolean): Promise<boolean> {
  for (let round = 0; round < 50 && !isSo(); round++) {
    collectGarbage();
    await delay(10);
  }
  return isSo();
}
