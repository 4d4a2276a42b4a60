import { writeFileSync } from "node:fs";
import { describeMachine } from "../machine.ts";
import { showProgress } from "../progress.ts";
import { type GroupResult, measureGroup } from "./blocks.ts";
import { countedRows } from "./counted.ts";
import { bareRow, groups } from "./groups.ts";
import { measurements } from "./measurements.ts";
import { printCounts, printGroup, printMachine, printTable } from "./report.ts";
import { help, parseSettings, type Settings } from "./settings.ts";
import type { Table } from "./table.ts";

/** `bench goals`: what the project asks of itself, measured. */
export async function runGoals(args: readonly string[]): Promise<void> {
  const settings = parseSettings(args);
  if (settings === undefined) console.log(help);
  else await run(settings);
}

async function run({ only, rounds, cores, quick, json }: Settings): Promise<void> {
  const machine = describeMachine(cores);
  printMachine(machine);
  if (quick) console.log("Quick: just long enough to see that everything works; no figure counts.");
  const isWanted = ({ name }: { name: string }) => only?.has(name) ?? true;
  const results: GroupResult[] = [];
  const tables: (Table & { name: string; seconds: number })[] = [];
  for (const group of groups.filter(isWanted)) {
    const result = await measureGroup(group, bareRow, {
      rounds,
      cores,
      quick,
      warmUps: quick ? 1 : 5,
      show: showProgress,
    });
    showProgress("");
    results.push(result);
    printGroup(result);
  }
  for (const measurement of measurements.filter(isWanted)) {
    const start = performance.now();
    const table = await measurement.measure(quick);
    const seconds = (performance.now() - start) / 1000;
    tables.push({ name: measurement.name, seconds, ...table });
    printTable(table, seconds);
  }
  const counts = isWanted({ name: "counted" }) ? await countedRows(cores, quick) : [];
  printCounts(counts);
  if (json !== undefined) {
    const content = { machine, quick, results, tables, counts };
    writeFileSync(json, `${JSON.stringify(content, null, 1)}\n`);
  }
}
