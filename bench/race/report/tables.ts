import { ranked, runnerName, runners } from "../reading.ts";
import type { GoalOutcome, Micro, NotTaken, OneWay, Race, Row, Runner } from "../result.ts";
import { bar } from "./bar.ts";
import { type Column, tabulate, wrap } from "./columns.ts";
import { amount, bytes, duration, spreadOf } from "./format.ts";

const handoverBarRoom = 24;

/** Bytes per second by the size of the messages. */
export function sweepTable(race: Race, runner: Runner, width: number): string[] {
  const rows = ranked(race, runner).filter(({ sweep }) => sweep !== undefined);
  const { sizes } = race.settings;
  if (rows.length === 0 || sizes.length === 0) return [];
  const columns: Column<Row>[] = [
    { heading: "", align: "left", worth: 100, cell: ({ name }) => name.slice(0, 26) },
    ...sizes.map(
      (size, index): Column<Row> => ({
        heading: bytes(size).replace(" ", "").replace("iB", ""),
        align: "right",
        // Where there is no room, every other size goes first, and the largest stays.
        worth: (sizes.length - 1 - index) % 2 === 0 ? 50 : index,
        cell: (row) => pointOf(row.sweep?.find((point) => point.size === size)),
      }),
    ),
  ];
  return [
    "",
    `${runnerName[runner]}: bytes per second one way, by the size of a message`,
    ...tabulate(rows, columns, width),
  ];
}

function pointOf(point: OneWay | NotTaken | undefined): string {
  if (point === undefined || "reason" in point) return "-";
  return amount(point.messagesPerSecond.median * point.size);
}

export function handoverTable({ rows }: Race, width: number): string[] {
  const ran = rows.flatMap(({ name, handover }) =>
    handover === undefined ? [] : [{ name, ...handover }],
  );
  const [first] = ran;
  if (first === undefined) return [];
  const longest = Math.max(...ran.map(({ milliseconds }) => milliseconds.median));
  const columns: Column<(typeof ran)[number]>[] = [
    { heading: "", align: "left", worth: 9, cell: ({ name }) => name },
    {
      heading: "median",
      align: "right",
      worth: 8,
      cell: ({ milliseconds }) => duration(milliseconds.median * 1e6),
    },
    { heading: "", align: "right", worth: 7, cell: ({ milliseconds }) => spreadOf(milliseconds) },
    {
      heading: "",
      align: "left",
      worth: 1,
      cell: ({ milliseconds }) => bar(milliseconds.median / longest, handoverBarRoom),
    },
  ];
  const title = `${first.size / 1e6} MB handed over, from a filled buffer to a receiver that has read all of it`;
  return ["", title, ...tabulate(ran, columns, width)];
}

export function microTable({ micro }: Race, width: number): string[] {
  if (micro.length === 0) return [];
  const names = [...new Set(micro.map(({ name }) => name))];
  const find = (name: string, runner: Runner) =>
    micro.find((call) => call.name === name && call.runner === runner);
  const columns: Column<string>[] = [
    { heading: "", align: "left", worth: 9, cell: (name) => name },
    ...runners
      .filter((runner) => micro.some((call) => call.runner === runner))
      .flatMap((runner): Column<string>[] => [
        {
          heading: runnerName[runner],
          align: "right",
          worth: 8,
          cell: (name) => time(find(name, runner), "p50"),
        },
        {
          heading: "p99",
          align: "right",
          worth: 1,
          cell: (name) => time(find(name, runner), "p99"),
        },
      ]),
  ];
  return ["", "Single calls, median (mitata)", ...tabulate(names, columns, width)];
}

function time(call: Micro | undefined, name: "p50" | "p99"): string {
  return call === undefined ? "" : duration(call[name]);
}

export function goalLines({ goals, quick }: Race, width: number): string[] {
  if (goals.length === 0) return [];
  const reached = goals.filter((goal) => goal.reached).length;
  return [
    "",
    `Goals: ${reached} of ${goals.length} reached${quick ? ", in blocks too short to tell" : ""}`,
    ...[...Map.groupBy(goals, titleOf)].flatMap(([title, ofTitle]) => [
      ...wrap(title, width, "  "),
      ...tabulate(ofTitle, goalColumns, width),
    ]),
  ];
}

/** A goal's name says what is measured, and of what. */
function titleOf({ name }: GoalOutcome): string {
  return name.slice(0, name.lastIndexOf(": "));
}

const goalColumns: readonly Column<GoalOutcome>[] = [
  {
    heading: "",
    align: "left",
    worth: 9,
    cell: ({ reached }) => (reached ? "  reached" : "  MISSED"),
  },
  {
    heading: "",
    align: "left",
    worth: 8,
    cell: (goal) => goal.name.slice(titleOf(goal).length + 2),
  },
  { heading: "", align: "left", worth: 6, cell: ({ asked }) => `asked ${asked}` },
  { heading: "", align: "left", worth: 7, cell: ({ measured }) => `measured ${measured}` },
];

/** What did not run, what went wrong, and sizes that were not taken. */
export function leftOutLines({ rows }: Race, width: number): string[] {
  const lines = rows.flatMap(({ id, forbidden, failed, roundTrip, sweep, ...row }) => {
    if (failed !== undefined) return [`${id} FAILED: ${failed}`];
    if (forbidden !== undefined) return [`${id} did not run: ${forbidden}`];
    const points = [roundTrip, row.oneWay, ...(sweep ?? [])];
    const reasons = points.flatMap((point) => (point && "reason" in point ? [point] : []));
    const sizes = [...new Set(reasons.map(({ size }) => size))]
      .sort((one, other) => one - other)
      .map(bytes)
      .join(", ");
    const [first] = reasons;
    return first === undefined ? [] : [`${id} was not asked for ${sizes}: ${first.reason}`];
  });
  const uncounted = new Set(
    rows.flatMap(({ callsPerRoundTrip: calls }) =>
      calls !== undefined && "reason" in calls
        ? [`System calls were not counted: ${calls.reason}`]
        : [],
    ),
  );
  const all = [...lines, ...uncounted];
  if (all.length === 0) return [];
  return ["", "Left out", ...all.flatMap((line) => wrap(line, width, "  "))];
}
