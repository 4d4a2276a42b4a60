/** What the soak prints. */
import type { Observed, Row } from "./soak.ts";
import { nameOf, type Verdict } from "./verdict.ts";

const mebibyte = 2 ** 20;

export function progressLine({ at, messages, samples }: Row): string {
  const total = sum(Object.values(messages));
  const rss = sum(samples.map((sample) => sample?.rssBytes ?? 0)) / mebibyte;
  const descriptors = sum(samples.map((sample) => sample?.descriptors ?? 0));
  return (
    `${at.toFixed(0).padStart(6)} s  ${count(total).padStart(13)} messages checked  ` +
    `${count(total / at).padStart(9)}/s  ${rss.toFixed(0).padStart(6)} MiB  ${descriptors} descriptors`
  );
}

export function report(observed: Observed, { faults, growth }: Verdict): string {
  const { loads, processes, killed, seconds } = observed;
  const total = sum(loads.map(({ messages }) => messages));
  const lines = [
    "",
    `${count(total)} messages checked in ${seconds.toFixed(0)} s; ${count(killed)} visitors killed`,
    "",
    table([
      ["load", "messages", "connections", "round trips", "p50", "p99", "p99.9", "max"],
      ...loads.flatMap(({ name, messages, connections, windows }) => {
        const [first, last] = [windows[0], windows.at(-1)];
        const own = [name, count(messages), count(connections)];
        if (first === undefined || last === undefined) return [own];
        const cells = ({ count: trips, p50, p99, p999, max }: typeof first) => {
          return [count(trips), ...[p50, p99, p999, max].map(microseconds)];
        };
        return [
          [...own, ...cells(first)],
          ["", "", "at the end", ...cells(last)],
        ];
      }),
    ]),
    "",
    table([
      [
        "process",
        "RSS MiB",
        "at the end",
        "in 10 min",
        "heap MiB",
        "at the end",
        "descriptors",
        "mappings",
      ],
      ...processes.map((process, index) => {
        const { start, end } = process;
        const slope = (growth[index]?.rssBytesPer10Minutes ?? 0) / mebibyte;
        return [
          nameOf(process),
          mebibytes(start?.rssBytes),
          mebibytes(end?.rssBytes),
          `${slope < 0 ? "" : "+"}${slope.toFixed(2)}`,
          mebibytes(start?.heapBytes),
          mebibytes(end?.heapBytes),
          `${start?.descriptors} ${end?.descriptors}`,
          `${start?.mappings} ${end?.mappings}`,
        ];
      }),
    ]),
    "",
    ...(faults.length === 0 ? ["No fault."] : [`${faults.length} faults:`, ...faults]),
  ];
  return lines.join("\n");
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => {
    return Math.max(...rows.map((row) => row[column]?.length ?? 0));
  });
  return rows
    .map((row) => {
      const cells = widths.map((width, column) => {
        const cell = row[column] ?? "";
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      });
      return cells.join("  ").trimEnd();
    })
    .join("\n");
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? "?" : (bytes / mebibyte).toFixed(2);
}

function microseconds(value: number): string {
  return `${value < 100 ? value.toFixed(1) : count(value)} µs`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
