import { accessSync, constants, existsSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "../usage-error.ts";
import { native } from "./contestant.ts";
import { runRace } from "./race.ts";
import { listing, report } from "./report/report.ts";
import { help, parseSettings } from "./settings.ts";

const widthMax = 120;

/** `bench`: the race of the mechanisms. */
export async function race(args: readonly string[]): Promise<void> {
  const width = process.stdout.columns ?? Number.POSITIVE_INFINITY;
  const settings = parseSettings(args);
  if (settings === "help") return print([help]);
  if (settings === "list") return print(listing(width));
  const { json, html } = settings;
  checkWritable("--json", json);
  checkWritable("--html", html);
  if (!existsSync(native)) {
    throw new UsageError(
      `${native} is missing: node scripts/zig-build.mjs install bench builds it.`,
    );
  }
  const { race, failures } = await runRace(settings);
  print(report(race, Math.min(width, widthMax)));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(race)}\n`);
  if (html !== undefined) {
    // The charts are large, and wanted by few.
    const { renderPage } = await import("./page/html.ts");
    writeFileSync(html, await renderPage(race));
  }
  for (const failure of failures) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
}

function print(lines: readonly string[]): void {
  console.log(lines.join("\n"));
}

/** Before anything runs, and without a change to what may be there already. */
function checkWritable(option: string, file: string | undefined): void {
  if (file === undefined) return;
  try {
    accessSync(existsSync(file) ? file : dirname(file), constants.W_OK);
    if (existsSync(file) && statSync(file).isDirectory()) throw new Error("it is a folder");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${option}: ${file} cannot be written: ${reason}`);
  }
}
