import type { Machine } from "../machine.ts";
import type { GroupResult, RowResult } from "./blocks.ts";
import type { Count } from "./counted.ts";
import type { Table } from "./table.ts";
import { judge } from "./verdict.ts";

/** From here on something else than the measurements keeps the machine busy. */
const quietLoad = 0.5;

export function printMachine(machine: Machine): void {
  const { processor, cores, kernel, load, bun, deno, zig } = machine;
  console.log(`${processor}, ${cores} cores, Linux ${kernel}; Bun ${bun}, ${deno}, Zig ${zig}`);
  if (load < quietLoad) return;
  console.log(`The load was ${load} in the minute before: other processes compete for the cores.`);
}

export function printGroup(result: GroupResult): void {
  const { group, bareNs, distance, seconds } = result;
  console.log(`\n${group.title}`);
  console.log(
    `(bare line ${bareNs.toFixed(0)} ns at the same time: the cores are ${distance}; ${seconds.toFixed(0)} s)`,
  );
  const rows = result.rows.map((row) => [row.name, ...figures(row, result), verdict(row, result)]);
  printRows([["", ...headings(result), "goal"], ...rows]);
}

export function printTable(table: Table, seconds: number): void {
  console.log(`\n${table.title}`);
  console.log(`(${[...table.notes, `${seconds.toFixed(0)} s`].join("; ")})`);
  const rows = table.rows.map(({ name, cells, goal }) => [
    name,
    ...cells,
    goal === undefined ? "" : `${goal.text}: ${goal.reached ? "reached" : "missed"}`,
  ]);
  printRows([["", ...table.headings, "goal"], ...rows]);
}

export function printCounts(counts: readonly Count[]): void {
  if (counts.length === 0) return;
  console.log("\nCounted");
  printRows(counts.map(({ name, value, goal }) => [name, value, goal]));
}

function headings({ group, reference }: GroupResult): string[] {
  const last = {
    "times the first row": ["x bare"],
    "times the best other row": ["per second", `x ${reference}`],
    "messages per second": ["M/s"],
    "bytes per second": ["GB/s"],
  };
  return ["median", "p10 .. p90", ...last[group.unit]];
}

function figures(row: RowResult, { group }: GroupResult): string[] {
  const perSecond = 1e9 / row.medianNs;
  const last = {
    "times the first row": [row.timesReference.toFixed(2)],
    "times the best other row": [perSecond.toFixed(0), row.timesReference.toFixed(2)],
    "messages per second": [(perSecond / 1e6).toFixed(1)],
    "bytes per second": [((perSecond * group.bytesPerRepetition) / 1e9).toFixed(1)],
  };
  return [duration(row.medianNs), spread(row), ...last[group.unit]];
}

function spread({ p10Ns, p90Ns }: RowResult): string {
  return `${duration(p10Ns)} .. ${duration(p90Ns)}`;
}

function duration(ns: number): string {
  return ns < 10_000 ? `${ns.toFixed(1)} ns` : `${(ns / 1000).toFixed(1)} us`;
}

function verdict(row: RowResult, result: GroupResult): string {
  return judge(row, result)
    .map(({ asked, reached }) => `${asked}: ${reached ? "reached" : "missed"}`)
    .join(", ");
}

/** Columns as wide as their widest cell; the first is text, the others are figures. */
function printRows(rows: readonly (readonly string[])[]): void {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 || column === columns - 1 ? cell.padEnd(width) : cell.padStart(width);
    });
    console.log(`  ${cells.join("  ")}`.trimEnd());
  }
}
