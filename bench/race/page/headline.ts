/** The one sentence that a reader takes along, made of what was measured. */
import { callsOf, roundTripOf, rowOf, sortedBy } from "../reading.ts";
import { bytes, duration, perOne } from "../report/format.ts";
import type { Race, Row } from "../result.ts";

/** The ring and what it is read beside, natively or else in a runtime; or else whatever is fastest. */
const pairs = [
  ["native/ring-spin", "native/pipe"],
  ["bun/zerocross-spin", "bun/stdio"],
  ["deno/zerocross-spin", "deno/stdio"],
];

export function headline(race: Race): string {
  const isMeasured = (row: Row | undefined): row is Row => roundTripOf(row) !== undefined;
  const found = pairs.map((ids) => ids.map((id) => rowOf(race, id)).filter(isMeasured));
  const fastest = sortedBy(race.rows.filter(isMeasured), (row) => roundTripOf(row)?.p50 ?? 0);
  const told = found.find((rows) => rows.length > 0) ?? fastest.slice(0, 1);
  if (told.length === 0) return "No round trip was measured in this run.";
  return `A round trip of ${bytes(race.settings.roundTripSize)} takes ${told.map(inWords).join(", ")}.`;
}

function inWords(row: Row): string {
  const calls = callsOf(row.callsPerRoundTrip);
  const counted = calls === undefined ? "" : ` (${perOne(calls)} system calls)`;
  return `${duration(roundTripOf(row)?.p50 ?? Number.NaN)} over ${row.name}${counted}`;
}
