import type { GroupResult, RowResult } from "./blocks.ts";
import type { Count } from "./counted.ts";
import type { Machine } from "./machine.ts";

export function printMachine(machine: Machine): void {
  const { processor, cores, kernel, bun, deno, zig } = machine;
  console.log(`${processor}, ${cores} cores, Linux ${kernel}; Bun ${bun}, ${deno}, Zig ${zig}`);
}

export function printGroup(result: GroupResult): void {
  const { group, bareNs, distance } = result;
  console.log(`\n${group.title}`);
  console.log(`(bare line ${bareNs.toFixed(0)} ns at the same time: the cores are ${distance})`);
  const rows = result.rows.map((row) => [row.name, ...figures(row, result), verdict(row, result)]);
  printTable([["", ...headings(result), "goal"], ...rows]);
}

export function printCounts(counts: readonly Count[]): void {
  if (counts.length === 0) return;
  console.log("\nCounted");
  printTable(counts.map(({ name, value, goal }) => [name, value, goal]));
}

function headings({ group }: GroupResult): string[] {
  const rate = {
    "times the first row": "",
    "messages per second": "M/s",
    "bytes per second": "GB/s",
  };
  return [
    "median",
    "p10 .. p90",
    group.unit === "times the first row" ? "x bare" : rate[group.unit],
  ];
}

function figures(row: RowResult, { group }: GroupResult): string[] {
  const spread = `${row.p10Ns.toFixed(1)} .. ${row.p90Ns.toFixed(1)}`;
  const perSecond = 1e9 / row.medianNs;
  const last = {
    "times the first row": row.timesFirst.toFixed(2),
    "messages per second": (perSecond / 1e6).toFixed(1),
    "bytes per second": ((perSecond * group.bytesPerRepetition) / 1e9).toFixed(1),
  };
  return [`${row.medianNs.toFixed(1)} ns`, spread, last[group.unit]];
}

function verdict(row: RowResult, { group, distance }: GroupResult): string {
  const limit = row.goal?.[distance] ?? 0;
  if (limit === 0) return "";
  if (group.unit === "times the first row") {
    return `at most ${limit}: ${row.timesFirst <= limit ? "reached" : "missed"}`;
  }
  const reached = 1e9 / row.medianNs >= limit;
  return `at least ${limit / 1e6}: ${reached ? "reached" : "missed"}`;
}

/** Columns as wide as their widest cell; the first is text, the others are figures. */
function printTable(rows: readonly (readonly string[])[]): void {
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
