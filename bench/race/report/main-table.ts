import { oneWayOf, ranked, roundTripOf, runnerName } from "../reading.ts";
import type { Calls, Figure, Race, Row, Runner } from "../result.ts";
import { bar, logShare } from "./bar.ts";
import { type Column, tabulate } from "./columns.ts";
import { amount, bytes, duration, perOne, spreadOf } from "./format.ts";

const barRoom = 8;

/** The mechanisms of one runner, the fastest round trip first. */
export function mainTable(race: Race, runner: Runner, width: number): string[] {
  const rows = ranked(race, runner).filter(
    (row) => row.roundTrip !== undefined || row.oneWay !== undefined,
  );
  if (rows.length === 0) return [];
  const { roundTripSize, oneWaySize } = race.settings;
  const title =
    `${runnerName[runner]}: round trips of ${bytes(roundTripSize)} each way, ` +
    `and messages of ${bytes(oneWaySize)} one way`;
  return ["", title, ...tabulate(rows, columnsOf(race), width)];
}

function columnsOf(race: Race): Column<Row>[] {
  const right = (heading: string, worth: number, cell: (row: Row) => string): Column<Row> => ({
    heading,
    align: "right",
    worth,
    cell,
  });
  /** The spread of the figure on its left. */
  const close = (worth: number, figureOf: (row: Row) => Figure | undefined): Column<Row> => {
    const cell = (row: Row) => {
      const figure = figureOf(row);
      return figure === undefined ? "" : spreadOf(figure);
    };
    return { ...right("", worth, cell), isClose: true };
  };
  const time = (heading: string, worth: number, name: "p50" | "p90" | "p99" | "p999" | "max") =>
    right(heading, worth, (row) => inTime(roundTripOf(row)?.[name]));
  return [
    { heading: "", align: "left", worth: 20, cell: ({ name }) => name },
    time("p50", 19, "p50"),
    close(15, (row) => roundTripOf(row)?.blockMedians),
    { heading: "log", align: "left", worth: 8, cell: barOf(race) },
    time("p90", 5, "p90"),
    time("p99", 11, "p99"),
    time("p99.9", 7, "p999"),
    time("max", 4, "max"),
    right("msg/s", 18, (row) => {
      const oneWay = oneWayOf(row);
      return oneWay === undefined ? "" : amount(oneWay.messagesPerSecond.median);
    }),
    close(14, (row) => oneWayOf(row)?.messagesPerSecond),
    right("CPU/msg", 10, (row) => inTime(oneWayOf(row)?.cpuNs)),
    right("calls", 17, ({ callsPerRoundTrip }) => inCalls(callsPerRoundTrip)),
    right("sw", 6, (row) => {
      const roundTrip = roundTripOf(row);
      if (roundTrip === undefined) return "";
      return perOne(roundTrip.voluntarySwitches + roundTrip.involuntarySwitches);
    }),
    right("cp", 9, ({ copies }) => String(copies.count)),
  ];
}

export const legend =
  "p50 of all samples, ± half of p10 to p90 of the blocks; log: p50 on a scale on which each step " +
  "multiplies; CPU/msg: of both sides, one way; calls, sw: system calls and context switches of " +
  "both sides for each round trip; cp: copies of a message, by design.";

function inTime(ns: number | undefined): string {
  return ns === undefined ? "" : duration(ns);
}

function inCalls(calls: Calls | undefined): string {
  if (calls === undefined) return "";
  return "reason" in calls ? "-" : perOne(calls.perOne);
}

/** Every runner's bars have the same scale. */
function barOf(race: Race): (row: Row) => string {
  const all = race.rows.flatMap((row) => roundTripOf(row)?.p50 ?? []);
  const from = Math.min(...all) / 2;
  const to = Math.max(...all);
  return (row) => {
    const p50 = roundTripOf(row)?.p50;
    return p50 === undefined ? "" : bar(logShare(p50, from, to), barRoom);
  };
}
