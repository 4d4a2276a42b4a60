import { oneWayOf, roundTripOf } from "../reading.ts";
import type { Calls, Figure, Race, Row } from "../result.ts";

/** Below this a change is not worth a line, however quiet both races were. */
const leastChange = 0.05;

/** A count has no blocks to tell its noise from: a runtime's own threads make some calls too. */
const leastCalls = 0.1;

export type Unit = "ns" | "per second" | "calls";

/** A figure that both races have. */
export interface Change {
  readonly id: string;
  readonly what: string;
  readonly unit: Unit;
  readonly before: number;
  readonly after: number;
  /** What it came to in the later race, to that of the earlier one, less one. */
  readonly share: number;
  readonly isBeyondNoise: boolean;
  readonly isBetter: boolean;
  /** For times: how often the bare line of its own race goes into it, so that a slower machine shows. */
  readonly timesBareLine?: readonly [number, number];
}

export interface Comparison {
  readonly changes: readonly Change[];
  /** Mechanisms that only one of them has figures of. */
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
}

export function compareRaces(before: Race, after: Race): Comparison {
  const [earlier, later] = [measuredRows(before), measuredRows(after)];
  const both = [...earlier].flatMap(([id, row]) => {
    const other = later.get(id);
    return other === undefined ? [] : [{ before: row, after: other }];
  });
  return {
    changes: both.flatMap((rows) => [
      ...roundTrips(rows, before, after),
      ...rates(rows),
      ...calls("system calls per round trip", rows, "callsPerRoundTrip"),
      ...calls("system calls per message", rows, "callsPerMessage"),
    ]),
    onlyBefore: [...earlier.keys()].filter((id) => !later.has(id)),
    onlyAfter: [...later.keys()].filter((id) => !earlier.has(id)),
  };
}

function measuredRows({ rows }: Race): Map<string, Row> {
  const ran = rows.filter(
    ({ forbidden, failed }) => forbidden === undefined && failed === undefined,
  );
  return new Map(ran.map((row) => [row.id, row]));
}

interface Rows {
  readonly before: Row;
  readonly after: Row;
}

function roundTrips(rows: Rows, earlier: Race, later: Race): Change[] {
  const [before, after] = [roundTripOf(rows.before), roundTripOf(rows.after)];
  if (before === undefined || after === undefined || before.size !== after.size) return [];
  const what = `round trip, ${before.size} bytes`;
  const change = ofFigures(rows, what, "ns", before.blockMedians, after.blockMedians);
  const bare = [earlier, later].map((race) => race.bareLineNs[rows.before.runner]?.median);
  const [bareBefore, bareAfter] = bare;
  if (bareBefore === undefined || bareAfter === undefined) return [change];
  return [
    { ...change, timesBareLine: [change.before / bareBefore, change.after / bareAfter] as const },
  ];
}

function rates({ before, after }: Rows): Change[] {
  const pointsOf = (row: Row) => [
    ...[oneWayOf(row)].flatMap((oneWay) => oneWay ?? []),
    ...(row.sweep ?? []).flatMap((point) => ("count" in point ? point : [])),
  ];
  const isSweep = (index: number, row: Row) => index >= (oneWayOf(row) === undefined ? 0 : 1);
  const later = pointsOf(after);
  return pointsOf(before).flatMap((point, index) => {
    const sweeps = isSweep(index, before);
    const other = later.find(
      ({ size }, place) => size === point.size && isSweep(place, after) === sweeps,
    );
    if (other === undefined) return [];
    const what = `${sweeps ? "sweep" : "one way"}, ${point.size} bytes`;
    const figures = [point.messagesPerSecond, other.messagesPerSecond] as const;
    return [ofFigures({ before, after }, what, "per second", ...figures)];
  });
}

function ofFigures(
  { before: row }: Rows,
  what: string,
  unit: "ns" | "per second",
  before: Figure,
  after: Figure,
): Change {
  const share = after.median / before.median - 1;
  const areApart = before.p90 < after.p10 || after.p90 < before.p10;
  return {
    id: row.id,
    what,
    unit,
    before: before.median,
    after: after.median,
    share,
    isBeyondNoise: areApart && Math.abs(share) > leastChange,
    isBetter: unit === "ns" ? share < 0 : share > 0,
  };
}

function calls(
  what: string,
  { before, after }: Rows,
  name: "callsPerRoundTrip" | "callsPerMessage",
): Change[] {
  const [earlier, later] = [counted(before[name]), counted(after[name])];
  if (earlier === undefined || later === undefined) return [];
  const share = earlier === later ? 0 : later / earlier - 1;
  const isBeyondNoise = Math.abs(later - earlier) > leastCalls && Math.abs(share) > leastChange;
  const known = { id: before.id, what, unit: "calls", before: earlier, after: later } as const;
  return [{ ...known, share, isBeyondNoise, isBetter: later < earlier }];
}

function counted(calls: Calls | undefined): number | undefined {
  return calls === undefined || "reason" in calls ? undefined : calls.perOne;
}
