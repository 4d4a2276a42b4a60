/** `bench compare`: what changed between two races. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { UsageError } from "../usage-error.ts";
import { callsOf, oneWayOf, roundTripOf, sweepOf } from "./reading.ts";
import { amount, duration, perOne, perSecond } from "./report/format.ts";
import { left, right, tableOf, tabulate, wrap } from "./report/table.ts";
import type { Figure, Race, Row } from "./result.ts";

const help = `Usage: npm run bench -- compare A.json B.json

Says what changed from one race to another beyond the noise: where what lies between the 10th and the 90th
percentile of the blocks has nothing in common, and the medians are more than 5 % apart. System calls
count as changed from a tenth of a call. "x bare line" is to the bare line of the same race, so that a
slower machine shows.
`;

const widthMax = 120;
/** Below this a change is not worth a line, however quiet both races were. */
const leastChange = 0.05;
/** A count has no blocks to tell its noise from: a runtime's own threads make some calls too. */
const leastCalls = 0.1;
/** The version of the format that this reads and that a race writes. */
const version = 1;

export function compare(args: readonly string[]): void {
  const { values, positionals } = parse(args);
  if (values.help) {
    console.log(help);
    return;
  }
  const [before, after, ...more] = positionals;
  if (before === undefined || after === undefined || more.length > 0) {
    throw new UsageError(`compare takes two files, and ${positionals.length} were given.`);
  }
  const width = Math.min(process.stdout.columns ?? widthMax, widthMax);
  console.log(comparison(readRace(before), readRace(after), width).join("\n"));
}

function parse(args: readonly string[]) {
  try {
    const options = { help: { type: "boolean", default: false } } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** What `--json` has written. */
function readRace(file: string): Race {
  const content = readJson(file);
  if (typeof content !== "object" || content === null || !("version" in content)) {
    throw new UsageError(`${file} is not a race: bench --json FILE writes one.`);
  }
  if (content.version !== version) {
    throw new UsageError(
      `${file} has version ${JSON.stringify(content.version)} of the format; this reads version ${version}.`,
    );
  }
  const race = content as Race;
  if (Array.isArray(race.rows) && race.machine && race.settings && race.bareLineNs) return race;
  throw new UsageError(`${file} is not a whole race: rows, machine or settings are missing.`);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const problem = error instanceof SyntaxError ? "is not JSON" : "cannot be read";
    throw new UsageError(`${file} ${problem}: ${error instanceof Error ? error.message : error}`);
  }
}

/** A figure that both races have. */
interface Change {
  readonly id: string;
  readonly what: string;
  readonly before: string;
  readonly after: string;
  /** What it came to in the later race, to that of the earlier one. */
  readonly factor: number;
  readonly isBeyondNoise: boolean;
  readonly isBetter: boolean;
  /** For times: how often the bare line of each race's own goes into it. */
  readonly timesBareLine?: string;
}

function comparison(before: Race, after: Race, width: number): string[] {
  const [earlier, later] = [measuredRows(before), measuredRows(after)];
  const changes = [...earlier].flatMap(([id, row]) => {
    const other = later.get(id);
    return other === undefined ? [] : changesOf(row, other, before, after);
  });
  const beyond = changes.filter(({ isBeyondNoise }) => isBeyondNoise);
  const missingIn = (rows: Map<string, Row>, all: Map<string, Row>, title: string) => {
    const ids = [...all.keys()].filter((id) => !rows.has(id));
    return ids.length === 0 ? [] : wrap(`${title}: ${ids.join(", ")}.`, width, "  ");
  };
  return [
    ...caveats(before, after).flatMap((line) => wrap(line, width, "  ")),
    ...section(
      "Worse beyond the noise",
      beyond.filter(({ isBetter }) => !isBetter),
      width,
    ),
    ...section(
      "Better beyond the noise",
      beyond.filter(({ isBetter }) => isBetter),
      width,
    ),
    "",
    changes.length === 0
      ? "The two races have no figure in common."
      : `${changes.length - beyond.length} of ${changes.length} figures stayed within the noise.`,
    ...missingIn(later, earlier, "Only in the first"),
    ...missingIn(earlier, later, "Only in the second"),
  ];
}

function measuredRows({ rows }: Race): Map<string, Row> {
  const ran = rows.filter(({ forbidden, failed }) => (forbidden ?? failed) === undefined);
  return new Map(ran.map((row) => [row.id, row]));
}

function changesOf(one: Row, other: Row, before: Race, after: Race): Change[] {
  const { id, runner } = one;
  const changes: Change[] = [];
  const [first, second] = [roundTripOf(one), roundTripOf(other)];
  if (first !== undefined && second !== undefined && first.size === second.size) {
    const figures = [first.blockMedians, second.blockMedians] as const;
    const change = ofFigures(id, `round trip, ${first.size} bytes`, figures, duration, -1);
    const bare = [before, after].map(({ bareLineNs }) => bareLineNs[runner]?.median ?? 0);
    const times = figures.map(({ median }, index) => amount(median / (bare[index] || Infinity)));
    changes.push(bare.includes(0) ? change : { ...change, timesBareLine: times.join(" to ") });
  }
  const ratesOf = (row: Row) => {
    const oneWay = oneWayOf(row);
    const named = sweepOf(row).map((point) => [`sweep, ${point.size} bytes`, point] as const);
    return new Map(oneWay ? [[`one way, ${oneWay.size} bytes`, oneWay], ...named] : named);
  };
  const rates = ratesOf(other);
  for (const [what, point] of ratesOf(one)) {
    const figures = [point, rates.get(what)].flatMap((each) => each?.messagesPerSecond ?? []);
    const [first, second] = figures;
    if (first && second) changes.push(ofFigures(id, what, [first, second], perSecond, 1));
  }
  const counts = { callsPerRoundTrip: "round trip", callsPerMessage: "message" } as const;
  for (const [name, of] of Object.entries(counts) as [keyof typeof counts, string][]) {
    const [first, second] = [callsOf(one[name]), callsOf(other[name])];
    if (first === undefined || second === undefined) continue;
    changes.push(ofCounts(id, `system calls per ${of}`, first, second));
  }
  return changes;
}

function ofFigures(
  id: string,
  what: string,
  [one, other]: readonly [Figure, Figure],
  write: (value: number) => string,
  /** 1: more is better. */
  sign: 1 | -1,
): Change {
  const factor = other.median / one.median;
  const areApart = one.p90 < other.p10 || other.p90 < one.p10;
  return {
    ...{ id, what, before: write(one.median), after: write(other.median), factor },
    isBeyondNoise: areApart && Math.abs(factor - 1) > leastChange,
    isBetter: sign * (factor - 1) > 0,
  };
}

function ofCounts(id: string, what: string, before: number, after: number): Change {
  const factor = before === after ? 1 : after / before;
  const isBeyondNoise = Math.abs(after - before) > leastCalls && Math.abs(factor - 1) > leastChange;
  const written = { before: perOne(before), after: perOne(after) };
  return { id, what, ...written, factor, isBeyondNoise, isBetter: after < before };
}

function section(title: string, changes: readonly Change[], width: number): string[] {
  const size = ({ factor }: Change) => Math.max(factor, 1 / factor);
  const sorted = changes.toSorted((one, other) => size(other) - size(one));
  const percent = ({ factor }: Change) =>
    Number.isFinite(factor)
      ? `${factor > 1 ? "+" : ""}${((factor - 1) * 100).toFixed(0)} %`
      : "from none";
  const tables = tableOf(title, sorted, [
    left("", 9, ({ id }) => id),
    left("", 8, ({ what }) => what),
    right("first", 5, ({ before }) => before),
    right("second", 6, ({ after }) => after),
    right("change", 7, percent),
    right("x bare line", 1, ({ timesBareLine = "" }) => timesBareLine),
  ]);
  return tables.flatMap((table) => ["", title, ...tabulate(table, width)]);
}

/** What a reader of the changes has to know first. */
function caveats(before: Race, after: Race): string[] {
  const quick = [before, after].flatMap(({ quick }, index) =>
    quick
      ? [`The ${["first", "second"][index]} race was a quick one: its figures count for nothing.`]
      : [],
  );
  const machines = (["processor", "cores", "kernel", "bun", "deno", "zig"] as const).flatMap(
    (name) => {
      const [one, other] = [before.machine[name], after.machine[name]];
      return one === other ? [] : [`${name} ${one} and ${other}`];
    },
  );
  const differ = machines.length === 0 ? [] : [`The machines differ: ${machines.join("; ")}.`];
  const sizes = [before, after].map(({ settings }) => settings.roundTripSize);
  const apart = `Round trips of ${sizes.join(" and of ")} bytes are not compared.`;
  return [...quick, ...differ, ...(sizes[0] === sizes[1] ? [] : [apart])];
}
