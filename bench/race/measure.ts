import { sweptSizes } from "./contender.ts";
import type { Block, Command, Contestant } from "./contestant.ts";
import { type Effort, paceOf } from "./effort.ts";
import type { Step } from "./progress.ts";
import type { NotTaken, OneWay } from "./result.ts";
import { distribution, figure, round } from "./statistics.ts";

/** Bytes of a message in the usual comparison. */
export const oneWaySize = 64;

/** Bytes that are handed over. */
const handoverSize = 100_000_000;

/** Round trips, or messages, of a block at least, however slow they are. */
const leastOfBlock = 8;

/** Round trips of a block of which each comes after a silence. */
const silences = 10;

interface Plan {
  readonly command: Command;
  readonly blocks: number;
  /** Bytes of a message. */
  size(contestant: Contestant): number;
  /** Of a block. */
  count(contestant: Contestant, size: number): number | Promise<number>;
  /** What it does not take. */
  refuse?(contestant: Contestant, refusal: NotTaken): void;
}

interface Measured {
  readonly contestant: Contestant;
  readonly size: number;
  readonly count: number;
  readonly blocks: Block[];
}

/**
 * Runs a block of every contestant in turn, again and again, so that a drifting machine is fair to all.
 * A contestant that fails is out of the race, and the others go on.
 */
async function measure(
  contestants: readonly Contestant[],
  { command, blocks, size: sizeOf, count: countOf, refuse }: Plan,
  step: Step,
): Promise<Measured[]> {
  const entries: Measured[] = [];
  for (const contestant of contestants) {
    if (!contestant.isRunning) continue;
    const size = sizeOf(contestant);
    const reason = contestant.refusal(size);
    if (reason !== undefined) {
      refuse?.(contestant, { size, reason });
      continue;
    }
    step(contestant.id);
    await contestant.attempt(async () => {
      entries.push({ contestant, size, count: await countOf(contestant, size), blocks: [] });
    });
  }
  for (let block = 0; block < blocks; block++) {
    for (const { contestant, size, count, blocks: ran } of entries) {
      if (!contestant.isRunning) continue;
      step(contestant.id);
      await contestant.attempt(async () => {
        ran.push(await contestant.ask(command, count, size));
      });
    }
  }
  return entries.filter(({ contestant }) => contestant.isRunning);
}

/** Messages of the first block of a warm-up, and how many times as many the next one may have. */
const firstCount = 64;
const growth = 4;

/**
 * Runs the very loop for so many milliseconds at least, until its code is compiled and its memory warm.
 * Says how many nanoseconds one took in the end.
 */
async function warmUp(
  contestant: Contestant,
  { command, size, ms }: { command: Command; size: number; ms: number },
): Promise<number> {
  let left = ms * 1e6;
  for (let count = firstCount; ; ) {
    const { elapsedNs } = await contestant.ask(command, count, size);
    left -= elapsedNs;
    const eachNs = elapsedNs / count;
    if (left <= 0) return eachNs;
    count = Math.ceil(clamp(left / eachNs, 1, growth * count));
  }
}

/** As many as fit into the time, `roundTrips` at most. */
export async function measureRoundTrips(
  contestants: readonly Contestant[],
  wanted: number,
  effort: Effort,
  step: Step,
): Promise<void> {
  const { roundTripBlocks: blocks, roundTrips: most } = effort;
  const plan: Plan = {
    command: "round-trip",
    blocks,
    size: (contestant) => contestant.roundTripSize(wanted),
    async count(contestant, size) {
      const { warmUpMs: ms, roundTripMs } = paceOf(contestant.contender, effort);
      const eachNs = await warmUp(contestant, { command: "round-trip", size, ms });
      const fitting = (roundTripMs * 1e6) / eachNs / blocks;
      return Math.ceil(clamp(fitting, leastOfBlock, most / blocks));
    },
    refuse: ({ results }, refusal) => {
      results.roundTrip = refusal;
    },
  };
  const asked = contestants.filter(({ contender }) => contender.forms.roundTrip);
  for (const { contestant, size, count, blocks } of await measure(asked, plan, step)) {
    contestant.results.roundTrip = {
      size,
      count: count * blocks.length,
      ...distribution(blocks.map(({ samples }) => samples)),
      clockNs: round(contestant.ready?.clockNs ?? 0),
      voluntarySwitches: perOne(blocks, count, ({ voluntary }) => voluntary),
      involuntarySwitches: perOne(blocks, count, ({ involuntary }) => involuntary),
      cpuNs: perOne(blocks, count, ({ cpuNs }) => cpuNs),
    };
  }
}

/** The first message after a silence, and its answer: both sides have fallen asleep. */
export async function measureAfterSilence(
  contestants: readonly Contestant[],
  size: number,
  { silenceBlocks: blocks }: Effort,
  step: Step,
): Promise<void> {
  const asked = contestants.filter(({ contender }) => contender.forms.afterSilence);
  const plan: Plan = { command: "after-silence", blocks, size: () => size, count: () => silences };
  for (const { contestant, count, blocks } of await measure(asked, plan, step)) {
    const { p50, p99, blockMedians } = distribution(blocks.map(({ samples }) => samples));
    contestant.results.afterSilence = { count: count * blocks.length, p50, p99, blockMedians };
  }
}

export async function measureOneWay(
  contestants: readonly Contestant[],
  effort: Effort,
  step: Step,
): Promise<void> {
  const of = { size: oneWaySize, blocks: effort.oneWayBlocks, effort };
  for (const [{ results }, result] of await throughput(contestants, of, step)) {
    results.oneWay = result;
  }
}

export async function measureSweep(
  contestants: readonly Contestant[],
  sizes: readonly number[],
  effort: Effort,
  step: Step,
): Promise<void> {
  for (const size of sizes) {
    const swept = contestants.filter(({ contender }) =>
      sweptSizes(contender, sizes).includes(size),
    );
    const of = { size, blocks: effort.sweepBlocks, effort };
    const stepOfSize: Step = (what) => step(`${size} bytes, ${what}`);
    for (const [{ results }, result] of await throughput(swept, of, stepOfSize)) {
      results.sweep = [...(results.sweep ?? []), result];
    }
  }
}

async function throughput(
  contestants: readonly Contestant[],
  { size, blocks, effort }: { size: number; blocks: number; effort: Effort },
  step: Step,
): Promise<Map<Contestant, OneWay | NotTaken>> {
  const results = new Map<Contestant, OneWay | NotTaken>();
  const plan: Plan = {
    command: "one-way",
    blocks,
    size: () => size,
    async count(contestant) {
      const { warmUpMs: ms, blockMs } = paceOf(contestant.contender, effort);
      const eachNs = await warmUp(contestant, { command: "one-way", size, ms });
      return Math.max(leastOfBlock, Math.ceil((blockMs * 1e6) / eachNs));
    },
    refuse: (contestant, refusal) => results.set(contestant, refusal),
  };
  const asked = contestants.filter(({ contender }) => contender.forms.oneWay);
  for (const { contestant, count, blocks } of await measure(asked, plan, step)) {
    results.set(contestant, {
      size,
      count: count * blocks.length,
      messagesPerSecond: figure(blocks.map(({ elapsedNs }) => (count * 1e9) / elapsedNs)),
      cpuNs: perOne(blocks, count, ({ cpuNs }) => cpuNs),
    });
  }
  return results;
}

export async function measureHandovers(
  contestants: readonly Contestant[],
  { handovers: blocks }: Effort,
  step: Step,
): Promise<void> {
  const asked = contestants.filter(({ contender }) => contender.forms.handover);
  const plan: Plan = { command: "handover", blocks, size: () => handoverSize, count: () => 1 };
  for (const { contestant, size, blocks } of await measure(asked, plan, step)) {
    const milliseconds = figure(blocks.map(({ elapsedNs }) => elapsedNs / 1e6));
    contestant.results.handover = { size, milliseconds };
  }
}

function perOne(blocks: readonly Block[], count: number, of: (block: Block) => number): number {
  return round(blocks.reduce((sum, block) => sum + of(block), 0) / count / blocks.length);
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
