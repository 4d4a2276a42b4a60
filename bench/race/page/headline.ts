/** The one sentence that a reader takes along, made of what was measured. */

import { callsOf, roundTripOf, rowOf, sortedBy } from "../reading.ts";
import type { Race, Row } from "../result.ts";
import { aboutCrossings, microseconds } from "./units.ts";

/** Whoever is measured first in this order stands in the headline. */
const pairs = [
  { where: "", ring: "native/ring-spin", pipe: "native/pipe" },
  { where: " between two Bun programs", ring: "bun/zerocross-spin", pipe: "bun/stdio" },
  { where: " between two Deno programs", ring: "deno/zerocross-spin", pipe: "deno/stdio" },
];

export function headline(race: Race): string {
  const found = pairs.map(({ where, ring, pipe }) => ({
    where,
    ring: measured(rowOf(race, ring)),
    pipe: measured(rowOf(race, pipe)),
  }));
  const best =
    found.find(({ ring, pipe }) => ring && pipe) ?? found.find(({ ring, pipe }) => ring ?? pipe);
  if (best === undefined) return fastestAlone(race);
  const start = `A ${race.settings.roundTripSize}-byte round trip${best.where} takes`;
  const { ring, pipe } = best;
  if (ring === undefined) return `${start} ${pipe?.time} through a pipe${withCalls(pipe?.calls)}.`;
  const overRing = `${start} ${ring.time} over the ring${withCalls(ring.calls)}`;
  if (pipe === undefined) return `${overRing}.`;
  const counted = ring.calls !== undefined && pipe.calls !== undefined;
  const pipeCalls = counted ? `, with ${aboutCrossings(pipe.calls ?? 0)}` : withCalls(pipe.calls);
  return `${overRing}; a pipe takes ${pipe.time}${pipeCalls}.`;
}

function measured(row: Row | undefined) {
  const roundTrip = roundTripOf(row);
  if (roundTrip === undefined) return undefined;
  return { time: microseconds(roundTrip.p50), calls: callsOf(row?.callsPerRoundTrip) };
}

function withCalls(calls: number | undefined): string {
  if (calls === undefined) return "";
  const about = aboutCrossings(calls);
  return `, with ${about} system call${about === "1" ? "" : "s"}`;
}

function fastestAlone(race: Race): string {
  const ran = race.rows.filter((row) => roundTripOf(row) !== undefined);
  const fastest = sortedBy(ran, (row) => roundTripOf(row)?.p50 ?? 0)[0];
  if (fastest === undefined) return "No round trip was measured in this run.";
  const figures = measured(fastest);
  const size = race.settings.roundTripSize;
  return `The fastest ${size}-byte round trip of this run: ${fastest.name}, ${figures?.time}${withCalls(figures?.calls)}.`;
}
