import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { groups } from "./groups.ts";

export interface Settings {
  /** Names of groups; all when undefined. */
  readonly only: ReadonlySet<string> | undefined;
  readonly rounds: number;
  readonly cores: readonly [number, number];
  readonly json: string | undefined;
}

/** What is wrong with the command line. */
export class UsageError extends Error {}

const names = [...groups.map((group) => group.name), "counted"];

export const help = `Usage: npm run bench -- [options]

Measures the channel in blocks that take turns with those of its floor, two processes on two cores.

  --only NAMES     comma-separated, of: ${names.join(", ")}
  --rounds N       blocks of each measurement (default 100)
  --cores A,B      the cores that the two sides are pinned to (default 0,1)
  --json FILE      write every block there, with the machine
  --help           print this
`;

/** Undefined: help was asked for. */
export function parseSettings(args: readonly string[]): Settings | undefined {
  const { values } = parse(args);
  if (values.help) return undefined;
  return {
    only: values.only === undefined ? undefined : parseNames(values.only),
    rounds: parseRounds(values.rounds),
    cores: parseCores(values.cores),
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: "string" },
        rounds: { type: "string", default: "100" },
        cores: { type: "string", default: "0,1" },
        json: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseNames(text: string): ReadonlySet<string> {
  const chosen = text.split(",");
  const unknown = chosen.filter((name) => !names.includes(name));
  if (unknown.length === 0) return new Set(chosen);
  throw new UsageError(`No measurement is called ${unknown.join(", ")}.`);
}

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= 1) return rounds;
  throw new UsageError(`--rounds is ${text}; expected a whole number, 1 or more.`);
}

function parseCores(text: string): readonly [number, number] {
  const [first = Number.NaN, second = Number.NaN, ...more] = text.split(",").map(Number);
  const isCore = (core: number) => Number.isInteger(core) && core >= 0 && core < 1024;
  if (availableParallelism() < 2) {
    throw new UsageError("This machine has one core, and two spinning processes need two.");
  }
  if (more.length === 0 && isCore(first) && isCore(second) && first !== second) {
    return [first, second];
  }
  throw new UsageError(`--cores is ${text}; expected two different cores, such as 0,1.`);
}
