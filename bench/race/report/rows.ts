import type { OneWay, Race, RoundTrip, Row, Runner } from "../result.ts";

export function roundTripOf({ roundTrip }: Row): RoundTrip | undefined {
  return roundTrip !== undefined && "p50" in roundTrip ? roundTrip : undefined;
}

export function oneWayOf({ oneWay }: Row): OneWay | undefined {
  return oneWay !== undefined && "count" in oneWay ? oneWay : undefined;
}

/** Of one runner, the fastest round trip first; what has none comes after, and what did not run not at all. */
export function ranked({ rows }: Race, runner: Runner): Row[] {
  const place = (row: Row) => roundTripOf(row)?.p50 ?? Number.MAX_VALUE;
  return rows
    .filter((row) => row.runner === runner && row.forbidden === undefined)
    .filter((row) => row.failed === undefined)
    .sort((one, other) => place(one) - place(other));
}
