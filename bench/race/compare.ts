/** `bench compare`: what changed between two races. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { UsageError } from "../usage-error.ts";
import { callsOf, oneWayOf, roundTripOf, sweepOf } from "./reading.ts";
import { amount, duration, perOne, perSecond } from "./report/format.ts";
import { left, right, tableOf, tabulate, wrap } from "./report/table.ts";
import type { OneWay, Race, Row } from "./result.ts";

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

/** A figure of one race. */
interface Quantity {
  readonly id: string;
  readonly what: string;
  readonly value: number;
  /** What the blocks lie between; a count has none. */
  readonly low: number;
  readonly high: number;
  readonly write: (value: number) => string;
  readonly lessIsBetter: boolean;
  /** For times: how often the bare line of the same race goes into it. */
  readonly timesBareLine?: number | undefined;
}

function quantitiesOf(race: Race): Map<string, Quantity> {
  const all = [...measuredRows(race).values()].flatMap((row): Quantity[] => {
    const { id, runner } = row;
    const rate = (what: string, { size, messagesPerSecond }: OneWay): Quantity => {
      const { median: value, p10: low, p90: high } = messagesPerSecond;
      const name = `${what}, ${size} bytes`;
      return { id, what: name, value, low, high, write: perSecond, lessIsBetter: false };
    };
    const roundTrip = roundTripOf(row);
    const bareLine = race.bareLineNs[runner]?.median;
    const counts = { "round trip": row.callsPerRoundTrip, message: row.callsPerMessage };
    const { median: value = 0, p10: low = 0, p90: high = 0 } = roundTrip?.blockMedians ?? {};
    const time = {
      ...{ id, what: `round trip, ${roundTrip?.size} bytes`, value, low, high },
      ...{ write: duration, lessIsBetter: true },
      timesBareLine: bareLine && value / bareLine,
    };
    return [
      ...(roundTrip === undefined ? [] : [time]),
      ...[oneWayOf(row)].flatMap((point) => (point ? rate("one way", point) : [])),
      ...sweepOf(row).map((point) => rate("sweep", point)),
      ...Object.entries(counts).flatMap(([of, calls]): Quantity[] => {
        const value = callsOf(calls);
        if (value === undefined) return [];
        const [low, high] = [value - leastCalls / 2, value + leastCalls / 2];
        const what = `system calls per ${of}`;
        return [{ id, what, value, low, high, write: perOne, lessIsBetter: true }];
      }),
    ];
  });
  return new Map(all.map((quantity) => [`${quantity.id} ${quantity.what}`, quantity]));
}

function measuredRows({ rows }: Race): Map<string, Row> {
  const ran = rows.filter(({ forbidden, failed }) => (forbidden ?? failed) === undefined);
  return new Map(ran.map((row) => [row.id, row]));
}

type Change = readonly [before: Quantity, after: Quantity];

function isBeyondNoise([before, after]: Change): boolean {
  const areApart = before.high < after.low || after.high < before.low;
  return areApart && Math.abs(after.value / before.value - 1) > leastChange;
}

function comparison(before: Race, after: Race, width: number): string[] {
  const later = quantitiesOf(after);
  const changes = [...quantitiesOf(before)].flatMap(([key, quantity]): Change[] => {
    const other = later.get(key);
    return other === undefined ? [] : [[quantity, other]];
  });
  const beyond = changes.filter(isBeyondNoise);
  const isBetter = ([one, other]: Change) => other.value < one.value === one.lessIsBetter;
  const only = (title: string, race: Race, other: Race) => {
    const ids = [...measuredRows(race).keys()].filter((id) => !measuredRows(other).has(id));
    return ids.length === 0 ? [] : wrap(`${title}: ${ids.join(", ")}.`, width, "  ");
  };
  const worse = beyond.filter((change) => !isBetter(change));
  return [
    ...caveats(before, after).flatMap((line) => wrap(line, width, "  ")),
    ...section("Worse beyond the noise", worse, width),
    ...section("Better beyond the noise", beyond.filter(isBetter), width),
    "",
    changes.length === 0
      ? "The two races have no figure in common."
      : `${changes.length - beyond.length} of ${changes.length} figures stayed within the noise.`,
    ...only("Only in the first", before, after),
    ...only("Only in the second", after, before),
  ];
}

function section(title: string, changes: readonly Change[], width: number): string[] {
  const factor = ([before, after]: Change) => after.value / before.value;
  const size = (change: Change) => Math.max(factor(change), 1 / factor(change));
  const percent = (change: Change) => {
    const share = (factor(change) - 1) * 100;
    return Number.isFinite(share) ? `${share > 0 ? "+" : ""}${share.toFixed(0)} %` : "from none";
  };
  const times = (change: Change) =>
    change.flatMap(({ timesBareLine }) => (timesBareLine ? amount(timesBareLine) : []));
  const sorted = changes.toSorted((one, other) => size(other) - size(one));
  const tables = tableOf(title, sorted, [
    left("", 9, ([{ id }]) => id),
    left("", 8, ([{ what }]) => what),
    right("first", 5, ([{ write, value }]) => write(value)),
    right("second", 6, ([, { write, value }]) => write(value)),
    right("change", 7, percent),
    right("x bare line", 1, (change) => times(change).join(" to ")),
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
