/** What the terminal and the page show of a race, besides the page's charts. */
import { oneWayOf, ranked, roundTripOf, runnerName, runners } from "../reading.ts";
import type { Calls, Figure, NotTaken, OneWay, Race, Row, Runner } from "../result.ts";
import { amount, bytes, duration, inUnit, perOne, spreadOf } from "./format.ts";
import { type Column, left, right, type Table, tableOf } from "./table.ts";

/** The mechanisms of each runner, the fastest round trip first. */
export function mainTables(race: Race): Table[] {
  const { roundTripSize, oneWaySize } = race.settings;
  const columns = mainColumns();
  return runners.flatMap((runner) =>
    tableOf(
      `${runnerName[runner]}: round trips of ${bytes(roundTripSize)} each way, ` +
        `and messages of ${bytes(oneWaySize)} one way`,
      ranked(race, runner).filter((row) => row.roundTrip ?? row.oneWay),
      columns,
    ),
  );
}

/** What the headings of the main tables stand for. */
export const legend =
  "p50 of all samples, ± half of p10 to p90 of the blocks; CPU/msg: of both sides, one way; calls, sw: system calls and context switches of " +
  "both sides for each round trip; cp: copies of a message, by design.";

export function otherTables(race: Race): Table[] {
  return [
    ...runners.flatMap((runner) => sweepTable(race, runner)),
    ...silenceTable(race),
    ...handoverTable(race),
    ...scenarioTables(race),
    ...goalsTable(race),
  ];
}

function mainColumns(): Column<Row>[] {
  /** The spread of the figure on its left. */
  const close = (worth: number, figureOf: (row: Row) => Figure | undefined): Column<Row> => ({
    ...right("", worth, (row: Row) => {
      const figure = figureOf(row);
      return figure === undefined ? "" : spreadOf(figure);
    }),
    isClose: true,
  });
  const time = (heading: string, worth: number, name: "p50" | "p90" | "p99" | "p999" | "max") =>
    right(heading, worth, (row: Row) => inTime(roundTripOf(row)?.[name]));
  return [
    left("", 20, ({ name }) => name),
    time("p50", 19, "p50"),
    close(15, (row) => roundTripOf(row)?.blockMedians),
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
    right("cp", 9, ({ copies }) => String(copies)),
  ];
}

function inTime(ns: number | undefined): string {
  return ns === undefined ? "" : duration(ns);
}

function inCalls(calls: Calls | undefined): string {
  if (calls === undefined) return "";
  return "reason" in calls ? "-" : perOne(calls.perOne);
}

/** Bytes per second by the size of the messages. */
function sweepTable(race: Race, runner: Runner): Table[] {
  const { sizes } = race.settings;
  const pointOf = (point: OneWay | NotTaken | undefined) =>
    point === undefined || "reason" in point
      ? "-"
      : amount(point.messagesPerSecond.median * point.size);
  return tableOf(
    `${runnerName[runner]}: bytes per second one way, by the size of a message`,
    ranked(race, runner).filter(({ sweep }) => sweep !== undefined),
    [
      left("", 100, ({ name }) => name),
      ...sizes.map((size, index) =>
        right(
          bytes(size).replace(" ", "").replace("iB", ""),
          // Where there is no room, every other size goes first, and the largest stays.
          (sizes.length - 1 - index) % 2 === 0 ? 50 : index,
          ({ sweep }: Row) => pointOf(sweep?.find((point) => point.size === size)),
        ),
      ),
    ],
  );
}

function silenceTable({ rows }: Race): Table[] {
  const ran = rows.flatMap(({ id, afterSilence }) =>
    afterSilence === undefined ? [] : [{ id, ...afterSilence }],
  );
  return tableOf("Round trips of which each came after 20 ms of silence", ran, [
    left("", 9, ({ id }) => id),
    right("p50", 8, ({ p50 }) => duration(p50)),
    right("", 7, ({ blockMedians }) => spreadOf(blockMedians)),
    right("p99", 6, ({ p99 }) => duration(p99)),
  ]);
}

function handoverTable({ rows }: Race): Table[] {
  const ran = rows.flatMap(({ name, handover }) =>
    handover === undefined ? [] : [{ name, ...handover }],
  );
  const MB = (ran[0]?.size ?? 0) / 1e6;
  return tableOf(
    `${MB} MB handed over, from a filled buffer to a receiver that has read all of it`,
    ran,
    [
      left("", 9, ({ name }) => name),
      right("median", 8, ({ milliseconds }) => duration(milliseconds.median * 1e6)),
      right("", 7, ({ milliseconds }) => spreadOf(milliseconds)),
    ],
  );
}

function scenarioTables({ scenarios }: Race): Table[] {
  return scenarios.flatMap(({ title, notes, columns, rows }) =>
    tableOf(
      title,
      rows,
      [
        left("", 100, ({ name }) => name),
        ...columns.map(({ name, unit }, index) =>
          right(name, 50 - index, ({ values }: (typeof rows)[number]) => {
            const value = values[index];
            return typeof value === "number" ? inUnit(value, unit) : "";
          }),
        ),
      ],
      notes,
    ),
  );
}

function goalsTable({ goals }: Race): Table[] {
  const reached = goals.filter((goal) => goal.reached).length;
  return tableOf(`Goals: ${reached} of ${goals.length} reached`, goals, [
    left("", 9, (goal) => (goal.reached ? "reached" : "MISSED")),
    left("", 8, ({ name }) => name),
    right("asked", 7, ({ asked }) => asked),
    left("measured", 8, ({ measured }) => measured),
  ]);
}

/** What did not run, what does not take every size, and what was not counted, each with its reason. */
export function leftOut(race: Race): string[] {
  const whole = race.rows.flatMap(({ id, forbidden, failed }) => {
    if (failed !== undefined) return [`${id} FAILED: ${failed}`];
    return forbidden === undefined ? [] : [`${id} did not run: ${forbidden}`];
  });
  const parts = race.rows.flatMap(({ id, roundTrip, oneWay, sweep = [] }) => {
    const refused = [roundTrip, oneWay, ...sweep].flatMap((part) =>
      part !== undefined && "reason" in part ? [part] : [],
    );
    if (refused.length === 0) return [];
    const sizes = [...new Set(refused.map(({ size }) => bytes(size)))];
    return [`${id}: ${refused[0]?.reason}: not ${sizes.join(", ")}`];
  });
  const uncounted = new Map<string, string[]>();
  for (const { id, callsPerRoundTrip: calls } of race.rows) {
    if (calls === undefined || !("reason" in calls)) continue;
    uncounted.set(calls.reason, [...(uncounted.get(calls.reason) ?? []), id]);
  }
  const counts = [...uncounted].map(
    ([reason, ids]) => `Not counted (${ids.join(", ")}): ${reason}`,
  );
  return [...whole, ...parts, ...counts];
}
