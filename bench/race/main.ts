import { existsSync, writeFileSync } from "node:fs";
import { UsageError } from "../usage-error.ts";
import { native } from "./contestant.ts";
import { runRace } from "./race.ts";
import { listing, report } from "./report/report.ts";
import { help, parseSettings } from "./settings.ts";

const widthMax = 120;

/** `bench`: the race of the mechanisms. */
export async function race(args: readonly string[]): Promise<void> {
  const width = Math.min(process.stdout.columns ?? widthMax, widthMax);
  const settings = parseSettings(args);
  if (settings === "help") return console.log(help);
  // As wide as it is where nobody looks at it in a window.
  if (settings === "list")
    return print(listing(process.stdout.columns ?? Number.POSITIVE_INFINITY));
  if (!existsSync(native)) {
    throw new UsageError(
      `${native} is missing: node scripts/zig-build.mjs install bench builds it.`,
    );
  }
  const { race, failures } = await runRace(settings);
  print(report(race, width));
  if (settings.json !== undefined) {
    writeFileSync(settings.json, `${JSON.stringify(race)}\n`);
  }
  if (settings.html !== undefined) {
    // The charts are large, and wanted by few.
    const { renderPage } = await import("./page/html.ts");
    writeFileSync(settings.html, await renderPage(race));
  }
  if (failures.length === 0) return;
  for (const failure of failures) console.error(failure);
  process.exitCode = 1;
}

function print(lines: readonly string[]): void {
  console.log(lines.join("\n"));
}
