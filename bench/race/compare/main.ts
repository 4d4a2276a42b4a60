import { parseArgs } from "node:util";
import { UsageError } from "../../usage-error.ts";
import { compareRaces } from "./changes.ts";
import { comparisonLines } from "./print.ts";
import { readRace } from "./read.ts";

const widthMax = 120;

const help = `Usage: npm run bench -- compare A.json B.json

Says what changed from one race to another beyond the noise: where what lies between the 10th and the 90th
percentile of the blocks has nothing in common, and the medians are more than 5 % apart. System calls
count as changed from a tenth of a call. "x bare line" is to the bare line of the same race, so that a
slower machine shows.
`;

/** `bench compare`: what changed between two races. */
export function compare(args: readonly string[]): void {
  const files = parse(args);
  console.log(files === undefined ? help : comparison(files).join("\n"));
}

function comparison([before, after]: readonly [string, string]): string[] {
  const races = [readRace(before), readRace(after)] as const;
  const width = Math.min(process.stdout.columns ?? widthMax, widthMax);
  return comparisonLines(races, compareRaces(...races), width);
}

/** Undefined: help was asked for. */
function parse(args: readonly string[]): readonly [string, string] | undefined {
  const { values, positionals } = parseArguments(args);
  if (values.help) return undefined;
  const [before, after, ...more] = positionals;
  if (before === undefined || after === undefined || more.length > 0) {
    throw new UsageError(`compare takes two files, and ${positionals.length} were given.`);
  }
  return [before, after];
}

function parseArguments(args: readonly string[]) {
  try {
    const options = { help: { type: "boolean", default: false } } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
