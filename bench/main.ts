// `npm run bench` measures the channel beside its floor. See --help.

import { writeFileSync } from "node:fs";
import { type GroupResult, measureGroup } from "./blocks.ts";
import { countedRows } from "./counted.ts";
import { bareRow, groups } from "./groups.ts";
import { describeMachine } from "./machine.ts";
import { printCounts, printGroup, printMachine } from "./report.ts";
import { help, parseSettings, type Settings, UsageError } from "./settings.ts";

try {
  const settings = parseSettings(process.argv.slice(2));
  if (settings === undefined) console.log(help);
  else await run(settings);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${help}`);
  process.exitCode = 2;
}

async function run({ only, rounds, cores, json }: Settings): Promise<void> {
  const machine = describeMachine();
  printMachine(machine);
  const isWanted = (name: string) => only?.has(name) ?? true;
  const results: GroupResult[] = [];
  for (const group of groups.filter(({ name }) => isWanted(name))) {
    const result = await measureGroup(group, bareRow, { rounds, cores });
    results.push(result);
    printGroup(result);
  }
  const counts = isWanted("counted") ? await countedRows(cores) : [];
  printCounts(counts);
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify({ machine, results, counts }, null, 1)}\n`);
  }
}
