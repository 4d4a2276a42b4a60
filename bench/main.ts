// `npm run bench` measures the channel beside its floor, and beside what the runtimes have. See --help.

import { writeFileSync } from "node:fs";
import { type GroupResult, measureGroup } from "./blocks.ts";
import { countedRows } from "./counted.ts";
import { bareRow, groups } from "./groups.ts";
import { cleanUpAtExit } from "./line-process.ts";
import { describeMachine } from "./machine.ts";
import { measurements } from "./measurements.ts";
import { printCounts, printGroup, printMachine, printTable } from "./report.ts";
import { help, parseSettings, type Settings, UsageError } from "./settings.ts";
import type { Table } from "./table.ts";

cleanUpAtExit();
try {
  const settings = parseSettings(process.argv.slice(2));
  if (settings === undefined) console.log(help);
  else await run(settings);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${help}`);
  process.exitCode = 2;
}

async function run({ only, rounds, cores, quick, json }: Settings): Promise<void> {
  const machine = describeMachine();
  printMachine(machine);
  if (quick) console.log("Quick: just long enough to see that everything works; no figure counts.");
  const isWanted = ({ name }: { name: string }) => only?.has(name) ?? true;
  const results: GroupResult[] = [];
  const tables: (Table & { name: string; seconds: number })[] = [];
  for (const group of groups.filter(isWanted)) {
    const result = await measureGroup(group, bareRow, { rounds, cores, quick });
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
