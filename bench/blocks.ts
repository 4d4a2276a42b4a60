import { median, quantile } from "simple-statistics";
import type { Goal, Group, Row } from "./groups.ts";
import type { Pair } from "./pair.ts";
import { showProgress } from "./progress.ts";

/** Below this round trip of the bare line two cores are close: they share a cache. */
const closeRoundTripNs = 85;
const warmUpBlocks = 5;

export interface RowResult {
  readonly name: string;
  readonly goal: Goal | undefined;
  /** Nanoseconds per repetition, a number for each block. */
  readonly blocks: readonly number[];
  readonly medianNs: number;
  readonly p10Ns: number;
  readonly p90Ns: number;
  /** The median over the blocks of this row's time to that of the first row, next to it in time. */
  readonly timesFirst: number;
}

export interface GroupResult {
  readonly group: Group;
  /** The bare line's round trip over this group's time, and what it says of the two cores. */
  readonly bareNs: number;
  readonly distance: "close" | "apart";
  readonly rows: readonly RowResult[];
}

interface Options {
  readonly rounds: number;
  readonly cores: readonly [number, number];
}

/** Runs a block of every row in turn, again and again, so that a drifting machine is fair to all. */
export async function measureGroup(
  group: Group,
  bare: Row,
  { rounds, cores }: Options,
): Promise<GroupResult> {
  const pairs = [bare, ...group.rows].map((row) => row.start(cores));
  const repetitions = pairs.map((_, index) => (index === 0 ? 20_000 : group.repetitions));
  const blocks: number[][] = pairs.map(() => []);
  try {
    for (let round = -warmUpBlocks; round < rounds; round++) {
      showProgress(`${group.name}: block ${Math.max(0, round)} of ${rounds}`);
      for (const [index, pair] of pairs.entries()) {
        const each = await runBlock(pair, repetitions[index] ?? 0);
        if (round >= 0) blocks[index]?.push(each);
      }
    }
  } finally {
    showProgress("");
    await Promise.all(pairs.map((pair) => pair.close()));
  }
  const [bareBlocks = [], ...rowBlocks] = blocks;
  const bareNs = median(bareBlocks);
  return {
    group,
    bareNs,
    distance: bareNs < closeRoundTripNs ? "close" : "apart",
    rows: group.rows.map((row, index) =>
      summarise(row, rowBlocks[index] ?? [], rowBlocks[0] ?? []),
    ),
  };
}

/** A tenth of the block goes first, untimed: the rows before have taken the caches for themselves. */
async function runBlock(pair: Pair, repetitions: number): Promise<number> {
  await pair.run(Math.ceil(repetitions / 10));
  return (await pair.run(repetitions)) / repetitions;
}

function summarise(row: Row, blocks: readonly number[], first: readonly number[]): RowResult {
  const ratios = blocks.map((each, index) => each / (first[index] ?? Number.NaN));
  return {
    name: row.name,
    goal: row.goal,
    blocks: blocks.map((each) => Number(each.toFixed(2))),
    medianNs: median([...blocks]),
    p10Ns: quantile([...blocks], 0.1),
    p90Ns: quantile([...blocks], 0.9),
    timesFirst: median(ratios),
  };
}
