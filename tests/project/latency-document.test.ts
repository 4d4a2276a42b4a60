/** Every figure in the tables of docs/latency.md is that of the result file which the page names. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { oneWayOf, roundTripOf } from "../../bench/race/reading.ts";
import { amount, duration, perOne, spreadOf } from "../../bench/race/report/format.ts";
import type { Calls, Race, Row } from "../../bench/race/result.ts";
import { spread } from "../../bench/race/statistics.ts";

const docs = new URL("../../docs/", import.meta.url);
const page = readFileSync(new URL("latency.md", docs), "utf8");

function resultOf(page: string): Race {
  const [, file] = page.match(/\]\((\.\.\/bench\/results\/race-[^)]+\.json)\)/) ?? [];
  assert.ok(file, "the page names no result file");
  return JSON.parse(readFileSync(new URL(file, docs), "utf8")) as Race;
}

/** What a column says, by its heading. */
const cells: Readonly<Record<string, (row: Row) => string>> = {
  p50: (row) => time(roundTripOf(row)?.p50),
  "±": (row) => {
    const blocks = roundTripOf(row)?.blockMedians;
    return blocks === undefined ? "" : spreadOf(blocks);
  },
  p99: (row) => time(roundTripOf(row)?.p99),
  "p99.9": (row) => time(roundTripOf(row)?.p999),
  calls: (row) => calls(row.callsPerRoundTrip),
  switches: (row) => {
    const roundTrip = roundTripOf(row);
    if (roundTrip === undefined) return "";
    return perOne(roundTrip.voluntarySwitches + roundTrip.involuntarySwitches);
  },
  "CPU, round trip": (row) => time(roundTripOf(row)?.cpuNs),
  "messages/s": (row) => {
    const oneWay = oneWayOf(row);
    return oneWay === undefined ? "" : amount(oneWay.messagesPerSecond.median);
  },
  "CPU, message": (row) => time(oneWayOf(row)?.cpuNs),
  "calls, message": (row) => calls(row.callsPerMessage),
  copies: ({ copies }) => String(copies),
  "100 MB": ({ handover }) => {
    if (handover === undefined) return "";
    const { milliseconds } = handover;
    return `${duration(milliseconds.median * 1e6)} ±${(spread(milliseconds) * 100).toFixed(0)}%`;
  },
};

function time(ns: number | undefined): string {
  return ns === undefined ? "" : duration(ns);
}

function calls(counted: Calls | undefined): string {
  if (counted === undefined) return "";
  return "reason" in counted ? "not counted" : perOne(counted.perOne);
}

/** Bytes a second at a size that heads a column, such as "64 KiB". */
function rate(row: Row, heading: string): string {
  const [, digits, unit] = heading.match(/^(\d+) (B|KiB|MiB)$/) ?? [];
  const size = Number(digits) * ({ B: 1, KiB: 1024, MiB: 1024 ** 2 }[unit ?? ""] ?? Number.NaN);
  const point = [row.oneWay, ...(row.sweep ?? [])].findLast((at) => at?.size === size);
  if (point === undefined || !("count" in point)) return "";
  return `${amount(point.messagesPerSecond.median * size)}B/s`;
}

function* tableRows(text: string): Generator<{ headings: string[]; id: string; values: string[] }> {
  let headings: string[] = [];
  for (const line of text.split("\n")) {
    const columns = line.split("|").slice(1, -1);
    const [first = "", ...values] = columns.map((cell) => cell.trim());
    const [, id] = first.match(/^.*`([^`]+\/[^`]+)`$/) ?? [];
    const isRule = first.startsWith("---");
    if (id !== undefined) yield { headings, id, values };
    else if (!isRule) headings = values;
  }
}

test("every figure in the tables of docs/latency.md is in the result file that it names", () => {
  const byId = new Map(resultOf(page).rows.map((row) => [row.id, row]));
  let count = 0;
  for (const { headings, id, values } of tableRows(page)) {
    const row = byId.get(id);
    assert.ok(row, id);
    const expected = headings.map((heading) => cells[heading]?.(row) ?? rate(row, heading));
    assert.deepEqual(values, expected, id);
    count += values.filter((value) => value !== "").length;
  }
  assert.ok(count > 100, `${count} figures`);
});
