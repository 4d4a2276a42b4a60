/** What the reports, and the page's charts in the browser, read out of a race. */
import type { Calls, Family, NotTaken, OneWay, Race, RoundTrip, Row, Runner } from "./result.ts";

export const runners: readonly Runner[] = ["native", "bun", "deno"];

export const runnerName: Readonly<Record<Runner, string>> = {
  native: "Native",
  bun: "Bun",
  deno: "Deno",
};

/** In the order of the legend; the colours are in page.css. */
export const families: readonly Family[] = [
  "ring",
  "shared memory",
  "pipe",
  "socket",
  "queue",
  "signal",
  "in-process",
  "floor",
];

export function roundTripOf(row: Row | undefined): RoundTrip | undefined {
  return row?.roundTrip !== undefined && "p50" in row.roundTrip ? row.roundTrip : undefined;
}

export function oneWayOf(row: Row | undefined): OneWay | undefined {
  return row?.oneWay !== undefined ? taken(row.oneWay) : undefined;
}

export function sweepOf(row: Row): OneWay[] {
  return (row.sweep ?? []).flatMap((entry) => taken(entry) ?? []);
}

export function callsOf(calls: Calls | undefined): number | undefined {
  return calls !== undefined && "perOne" in calls ? calls.perOne : undefined;
}

export function rowOf(race: Pick<Race, "rows">, id: string): Row | undefined {
  return race.rows.find((row) => row.id === id);
}

export function rowsOf(race: Race, runner: Runner): Row[] {
  return race.rows.filter((row) => row.runner === runner);
}

/** Of one runner, the fastest round trip first; what has none comes after, and what did not run not at all. */
export function ranked(race: Race, runner: Runner): Row[] {
  const ran = rowsOf(race, runner).filter(
    ({ forbidden, failed }) => forbidden === undefined && failed === undefined,
  );
  return sortedBy(ran, (row) => roundTripOf(row)?.p50 ?? Number.MAX_VALUE);
}

/** Sorts a copy, the least first. */
export function sortedBy<Value>(
  values: readonly Value[],
  figure: (value: Value) => number,
): Value[] {
  return [...values].sort((one, other) => figure(one) - figure(other));
}

function taken(entry: OneWay | NotTaken): OneWay | undefined {
  return "messagesPerSecond" in entry ? entry : undefined;
}
