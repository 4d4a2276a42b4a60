import type { GroupResult, RowResult } from "./blocks.ts";

/** What is asked of a row, and what came of it. */
export interface Verdict {
  readonly asked: string;
  readonly measured: string;
  readonly reached: boolean;
}

/** Nothing where nothing is asked of the row, or not on cores as far apart as these. */
export function judge(row: RowResult, { group, distance, reference }: GroupResult): Verdict[] {
  const limit = row.goal?.[distance] ?? 0;
  if (limit === 0) return [];
  const perSecond = 1e9 / row.medianNs;
  if (group.unit === "messages per second" || group.unit === "bytes per second") {
    return [atLeast(limit, perSecond)];
  }
  const factor = {
    asked: `at most ${limit} x`,
    measured: `${row.timesReference.toFixed(2)} x ${reference}`,
    reached: row.timesReference <= limit,
  };
  return row.leastRate === undefined ? [factor] : [factor, atLeast(row.leastRate, perSecond)];
}

function atLeast(rate: number, measured: number): Verdict {
  return {
    asked: `at least ${rate / 1e6} M/s`,
    measured: `${(measured / 1e6).toFixed(measured < 1e7 ? 2 : 1)} M/s`,
    reached: measured >= rate,
  };
}
