import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { UsageError } from "../usage-error.ts";
import { groups } from "./groups.ts";
import { measurements } from "./measurements.ts";

export interface Settings {
  /** Names of groups; all when undefined. */
  readonly only: ReadonlySet<string> | undefined;
  readonly rounds: number;
  /** Just long enough to see that everything works. */
  readonly quick: boolean;
  readonly cores: readonly [number, number];
  readonly json: string | undefined;
}

const defaultRounds = 100;
const quickRounds = 2;

/** What can be measured, and about how long each takes. */
const choices: readonly { name: string; seconds: number }[] = [
  ...groups,
  ...measurements,
  { name: "counted", seconds: 30 },
];
const names = choices.map(({ name }) => name);
const minutes = Math.ceil(choices.reduce((sum, { seconds }) => sum + seconds, 0) / 60);

export const help = `Usage: npm run bench -- goals [options]

Measures the channel in blocks that take turns with those of its floor, and of what the runtimes have
for the same. All of it takes about ${minutes} minutes.

  --only NAMES     comma-separated, of:
${choices.map(({ name, seconds }) => `                     ${name.padEnd(16)} about ${seconds} s`).join("\n")}
  --rounds N       blocks of each measurement that is made of them (default ${defaultRounds})
  --cores A,B      the cores that spinning sides are pinned to (default 0,1); event loops are not
  --quick          as little as shows that everything works; the figures count for nothing
  --json FILE      write every block there, with the machine
  --help           print this
`;

/** Undefined: help was asked for. */
export function parseSettings(args: readonly string[]): Settings | undefined {
  const { values } = parse(args);
  if (values.help) return undefined;
  return {
    only: values.only === undefined ? undefined : parseNames(values.only),
    rounds: parseRounds(values.rounds ?? String(values.quick ? quickRounds : defaultRounds)),
    quick: values.quick,
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
        rounds: { type: "string" },
        quick: { type: "boolean", default: false },
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
