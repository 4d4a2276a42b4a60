import { median, quantile } from "simple-statistics";
import type { Figure, RoundTrip } from "./result.ts";

/** More digits than any clock has would only make the files large. */
const digits = 6;

export function figure(blocks: readonly number[]): Figure {
  const values = [...blocks];
  return {
    median: round(median(values)),
    p10: round(quantile(values, 0.1)),
    p90: round(quantile(values, 0.9)),
    blocks: values.map(round),
  };
}

export function scale({ blocks }: Figure, by: (value: number) => number): Figure {
  return figure(blocks.map(by));
}

/** Half of what lies between the 10th and the 90th percentile of the blocks, to their median. */
export function spread({ median, p10, p90 }: Figure): number {
  return (p90 - p10) / 2 / median;
}

/** Of the samples of all blocks together, in nanoseconds. */
export function distribution(
  blocks: readonly Uint32Array[],
): Pick<RoundTrip, "min" | "p50" | "p90" | "p99" | "p999" | "max" | "blockMedians"> {
  const sorted = joined(blocks).sort();
  const at = (share: number) => round(quantileOfSteps(sorted, share));
  return {
    min: sorted.at(0) ?? Number.NaN,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    p999: at(0.999),
    max: sorted.at(-1) ?? Number.NaN,
    blockMedians: figure(blocks.map((block) => quantileOfSteps(block.toSorted(), 0.5))),
  };
}

/**
 * The counters of some processors go in steps of ten nanoseconds and more, so that thousands of samples
 * are equal. They are taken to lie evenly over the step around their value.
 */
export function quantileOfSteps(sorted: Uint32Array, share: number): number {
  const rank = share * sorted.length;
  const value = sorted[Math.min(Math.floor(rank), sorted.length - 1)] ?? Number.NaN;
  const start = firstOver(sorted, value - 1);
  const end = firstOver(sorted, value);
  const below = value - (sorted[start - 1] ?? Number.NEGATIVE_INFINITY);
  const above = (sorted[end] ?? Number.POSITIVE_INFINITY) - value;
  // Next to nothing there is no step to see.
  if (below === Number.POSITIVE_INFINITY || above === Number.POSITIVE_INFINITY) return value;
  return value + ((rank - start) / (end - start) - 0.5) * Math.min(below, above);
}

/** The index of the first sample that is larger. */
function firstOver(sorted: Uint32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function round(value: number): number {
  return Number(value.toPrecision(digits));
}

function joined(blocks: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const block of blocks) {
    all.set(block, end);
    end += block.length;
  }
  return all;
}
