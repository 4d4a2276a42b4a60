import { readFileSync } from "node:fs";
import { UsageError } from "../../usage-error.ts";
import type { Race } from "../result.ts";

/** The version of the format that this reads and that a race writes. */
const version = 1;

/** What `--json` has written. */
export function readRace(file: string): Race {
  const content = parse(file, readText(file));
  if (typeof content !== "object" || content === null || !("version" in content)) {
    throw new UsageError(`${file} is not a race: bench --json FILE writes one.`);
  }
  if (content.version !== version) {
    throw new UsageError(
      `${file} has version ${JSON.stringify(content.version)} of the format; this reads version ${version}.`,
    );
  }
  const race = content as Race;
  const isWhole =
    Array.isArray(race.rows) && race.machine !== undefined && race.settings !== undefined;
  if (!isWhole)
    throw new UsageError(`${file} is not a whole race: rows, machine or settings are missing.`);
  return race;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${file} cannot be read: ${reason}`);
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}
