import { median, quantile } from "simple-statistics";
import type { Goal, Group, Row } from "./groups.ts";
import type { Pair } from "./pair.ts";

/** Below this round trip of the bare line two cores are close: they share a cache. */
const closeRoundTripNs = 85;
const bareRepetitions = 20_000;

export interface RowResult {
  readonly name: string;
  readonly goal: Goal | undefined;
  /** Calls per second that are asked for besides. */
  readonly leastRate: number | undefined;
  /** Nanoseconds per repetition, a number for each block. */
  readonly blocks: readonly number[];
  readonly medianNs: number;
  readonly p10Ns: number;
  readonly p90Ns: number;
  /** The median over the blocks of this row's time to that of the row it is compared with, next to it in time. */
  readonly timesReference: number;
}

export interface GroupResult {
  readonly group: Group;
  /** The bare line's round trip over this group's time, and what it says of the two cores. */
  readonly bareNs: number;
  readonly distance: "close" | "apart";
  /** The row that the others are compared with. */
  readonly reference: string;
  readonly rows: readonly RowResult[];
  readonly seconds: number;
}

interface Options {
  readonly rounds: number;
  readonly cores: readonly [number, number];
  /** Blocks of a twentieth, to see that everything works. */
  readonly quick: boolean;
  /** Rounds that go first and do not count. */
  readonly warmUps: number;
  /** Told which block runs. */
  readonly show: (text: string) => void;
}

/** Runs a block of every row in turn, again and again, so that a drifting machine is fair to all. */
export async function measureGroup(
  group: Group,
  bare: Row,
  { rounds, cores, quick, warmUps, show }: Options,
): Promise<GroupResult> {
  const start = performance.now();
  const rows = [{ ...bare, repetitions: bareRepetitions }, ...group.rows];
  const repetitions = rows.map((row) =>
    Math.ceil((row.repetitions ?? group.repetitions) / (quick ? 20 : 1)),
  );
  const blocks: number[][] = rows.map(() => []);
  const pairs: Pair[] = [];
  try {
    for (const row of rows) pairs.push(row.start(cores));
    for (let round = -warmUps; round < rounds; round++) {
      show(`${group.name}: block ${Math.max(0, round)} of ${rounds}`);
      for (const [index, pair] of pairs.entries()) {
        const each = await runBlock(pair, repetitions[index] ?? 0);
        if (round >= 0) blocks[index]?.push(each);
      }
    }
  } finally {
    await Promise.all(pairs.map((pair) => pair.close()));
  }
  const [bareBlocks = [], ...rowBlocks] = blocks;
  const bareNs = median(bareBlocks);
  const reference = referenceOf(group, rowBlocks);
  return {
    group,
    bareNs,
    distance: bareNs < closeRoundTripNs ? "close" : "apart",
    reference: group.rows[reference]?.name ?? "",
    rows: group.rows.map((row, index) =>
      summarise(row, rowBlocks[index] ?? [], rowBlocks[reference] ?? []),
    ),
    seconds: (performance.now() - start) / 1000,
  };
}

/** A tenth of the block goes first, untimed: the rows before have taken the caches for themselves. */
async function runBlock(pair: Pair, repetitions: number): Promise<number> {
  await pair.run(Math.ceil(repetitions / 10));
  return (await pair.run(repetitions)) / repetitions;
}

/** The index of the first row, or, where the first is compared with the best of the others, of that. */
function referenceOf({ unit }: Group, blocks: readonly (readonly number[])[]): number {
  if (unit !== "times the best other row") return 0;
  const medians = blocks.map((each) => median([...each]));
  return medians.indexOf(Math.min(...medians.slice(1)), 1);
}

function summarise(row: Row, blocks: readonly number[], reference: readonly number[]): RowResult {
  const ratios = blocks.map((each, index) => each / (reference[index] ?? Number.NaN));
  return {
    name: row.name,
    goal: row.goal,
    leastRate: row.leastRate,
    blocks: blocks.map((each) => Number(each.toFixed(2))),
    medianNs: median([...blocks]),
    p10Ns: quantile([...blocks], 0.1),
    p90Ns: quantile([...blocks], 0.9),
    timesReference: median(ratios),
  };
}
