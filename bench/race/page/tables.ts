import {
  bytesPerSecond,
  callsOf,
  carriesMessages,
  oneWayOf,
  roundTripOf,
  rowsOf,
  runnerName,
  runners,
  sortedBy,
} from "../reading.ts";
import type { Calls, GoalOutcome, NotTaken, OneWay, Race, Row } from "../result.ts";
import { html, type Markup } from "./markup.ts";
import { type Cell, type TableGroup, table, withSpread } from "./table.ts";
import { byteRate, byteSize, crossings, duration, perSecond, switches } from "./units.ts";

/** What the crossings alone cost, what was measured, and what remains for everything else. */
export function arithmeticTable(race: Race): Markup {
  const price = race.emptyCallNs?.median;
  const counted = (row: Row) =>
    callsOf(row.callsPerRoundTrip) !== undefined && carriesMessages(row);
  const groups = byRunner(race, (rows) =>
    sortedBy(rows.filter(counted), p50).map((row) => {
      const calls = callsOf(row.callsPerRoundTrip) ?? 0;
      const floor = price === undefined ? undefined : calls * price;
      const rest = floor === undefined ? undefined : p50(row) - floor;
      return {
        head: row.name,
        cells: [
          crossings(calls),
          floor === undefined ? undefined : zeroOr(floor),
          duration(p50(row)),
          rest === undefined ? undefined : duration(rest),
        ],
      };
    }),
  );
  return table({
    caption:
      "The arithmetic: crossings times the price of an empty system call, beside what was measured",
    headings: ["Mechanism", "System calls", "Their price", "Measured (p50)", "What remains"],
    groups,
  });
}

export function costTable(race: Race): Markup {
  const measured = (row: Row) => roundTripOf(row) !== undefined && carriesMessages(row);
  const groups = byRunner(race, (rows) => {
    const inOrder = sortedBy(rows.filter(measured), cpuNs);
    const most = Math.max(...inOrder.map(cpuNs));
    return inOrder.map((row) => {
      const roundTrip = roundTripOf(row);
      const oneWay = oneWayOf(row);
      return {
        head: row.name,
        cells: [
          bar(cpuNs(row), most),
          oneWay && duration(oneWay.cpuNs),
          roundTrip && switches(roundTrip.voluntarySwitches),
          roundTrip && switches(roundTrip.involuntarySwitches),
          idle[row.waiting],
        ],
      };
    });
  });
  return table({
    caption: "CPU time and context switches, both sides together",
    headings: [
      "Mechanism",
      "CPU time, round trip",
      `CPU time, message of ${byteSize(race.settings.oneWaySize)}`,
      "Voluntary switches, round trip",
      "Involuntary",
      "While idle",
    ],
    words: ["While idle"],
    groups,
  });
}

const idle: Readonly<Record<Row["waiting"], string>> = {
  spins: "a whole core each",
  sleeps: "nothing",
  "spins, then sleeps": "nothing",
};

export function microTable(race: Race): Markup {
  const groups = runners.map((runner) => ({
    name: runnerName[runner],
    rows: race.micro
      .filter((micro) => micro.runner === runner)
      .map(({ name, min, p50, mean, p99 }) => ({
        head: name,
        cells: [min, p50, mean, p99].map(duration),
      })),
  }));
  return table({
    caption: "Single calls, measured by mitata",
    headings: ["Call", "Fastest", "p50", "Mean", "p99"],
    groups,
  });
}

export function fullTable(race: Race): Markup {
  const groups = byRunner(race, (rows) =>
    rows.map((row) => ({ head: nameAndWaiting(row), cells: figures(row) })),
  );
  return table({
    caption: `All figures: round trips of ${byteSize(race.settings.roundTripSize)}, messages of ${byteSize(race.settings.oneWaySize)} one way`,
    headings: [
      "Mechanism",
      "Fastest",
      "p50",
      "p90",
      "p99",
      "p99.9",
      "p99.99",
      "Slowest",
      "Round trips",
      "System calls, round trip",
      "System calls, message",
      "Switches, voluntary",
      "Switches, involuntary",
      "CPU, round trip",
      "Messages, one way",
      "CPU, message",
      "Handover",
      "Copies",
      "Note",
    ],
    words: ["Copies", "Note"],
    groups,
  });
}

function figures(row: Row): Cell[] {
  const roundTrip = roundTripOf(row);
  const oneWay = oneWayOf(row);
  const percentile = (ns: number | undefined) => (ns === undefined ? undefined : duration(ns));
  return [
    percentile(roundTrip?.min),
    roundTrip && withSpread({ ...roundTrip.blockMedians, median: roundTrip.p50 }, duration),
    percentile(roundTrip?.p90),
    percentile(roundTrip?.p99),
    percentile(roundTrip?.p999),
    percentile(roundTrip?.p9999),
    percentile(roundTrip?.max),
    roundTrip?.count.toLocaleString("en"),
    callsCell(row.callsPerRoundTrip),
    callsCell(row.callsPerMessage),
    roundTrip && switches(roundTrip.voluntarySwitches),
    roundTrip && switches(roundTrip.involuntarySwitches),
    percentile(roundTrip?.cpuNs),
    oneWay && withSpread(oneWay.messagesPerSecond, perSecond),
    percentile(oneWay?.cpuNs),
    row.handover && withSpread(row.handover.milliseconds, (ms) => duration(ms * 1e6)),
    html`<div class="note">${row.copies.count}<small>${row.copies.which}</small></div>`,
    html`<div class="note">${noteOf(row)}</div>`,
  ];
}

function noteOf(row: Row): string | undefined {
  if (row.forbidden !== undefined) return `did not run: ${row.forbidden}`;
  if (row.failed !== undefined) return `failed: ${row.failed}`;
  return row.note;
}

export function sweepTable(race: Race): Markup {
  const { sizes } = race.settings;
  const groups = byRunner(race, (rows) =>
    rows
      .filter(({ sweep }) => sweep !== undefined && sweep.length > 0)
      .map((row) => ({
        head: row.name,
        cells: sizes.map((size) => sweepCell(row.sweep?.find((entry) => entry.size === size))),
      })),
  );
  const refused = race.rows.filter(({ sweep }) => sweep?.some((entry) => "reason" in entry));
  return html`${table({
    caption: "Throughput by size of the message, one way",
    headings: ["Mechanism", ...sizes.map(byteSize)],
    groups,
  })}
${
  refused.length > 0 &&
  html`<p class="muted">Sizes that are not taken:</p>
<ul class="muted">
${refused.map((row) => html`<li>${refusedSizes(row)}</li>\n`)}</ul>`
}`;
}

function sweepCell(entry: OneWay | NotTaken | undefined): Cell {
  if (entry === undefined) return undefined;
  if ("reason" in entry) return html`<span class="muted">not taken</span>`;
  const rate = (messages: number) => byteRate(messages * entry.size);
  return withSpread(
    { ...entry.messagesPerSecond, median: bytesPerSecond(entry) / entry.size },
    rate,
  );
}

function refusedSizes({ sweep }: Row): string {
  const refused = (sweep ?? []).flatMap((entry) => ("reason" in entry ? [entry] : []));
  return `${refused[0]?.reason}: not ${refused.map(({ size }) => byteSize(size)).join(", ")}`;
}

export function goalsTable(goals: readonly GoalOutcome[]): Markup {
  const verdict = (reached: boolean) =>
    reached ? html`<b class="reached">reached</b>` : html`<b class="missed">missed</b>`;
  const rows = goals.map(({ name, asked, measured, reached }) => ({
    head: name,
    cells: [asked, measured, verdict(reached)],
  }));
  return table({
    caption: "What the project asks of itself",
    headings: ["Goal", "Asked", "Measured", "Verdict"],
    groups: [{ rows }],
    words: ["Asked", "Measured", "Verdict"],
  });
}

function byRunner(race: Race, rowsFor: (rows: Row[]) => TableGroup["rows"]): TableGroup[] {
  return runners.map((runner) => ({
    name: runnerName[runner],
    rows: rowsFor(rowsOf(race, runner)),
  }));
}

function nameAndWaiting({ name, waiting }: Row): Markup {
  return html`${name}<small>${waiting}</small>`;
}

function callsCell(calls: Calls | undefined): Cell {
  const counted = callsOf(calls);
  if (counted !== undefined) return crossings(counted);
  return calls === undefined ? undefined : html`<span class="muted">not counted</span>`;
}

function bar(ns: number, most: number): Markup {
  const percent = ((ns / most) * 100).toFixed(1);
  return html`<span class="bar" style="--share:${percent}%">${duration(ns)}</span>`;
}

function zeroOr(ns: number): string {
  return ns < 0.5 ? "0" : duration(ns);
}

function cpuNs(row: Row): number {
  return roundTripOf(row)?.cpuNs ?? 0;
}

function p50(row: Row): number {
  return roundTripOf(row)?.p50 ?? 0;
}
