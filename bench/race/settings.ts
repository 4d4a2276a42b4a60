import { parseArgs } from "node:util";
import { usableCores } from "../machine.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { UsageError } from "../usage-error.ts";
import { choose } from "./choose.ts";
import type { Contender } from "./contender.ts";
import type { Cores } from "./contestant.ts";
import { type Effort, full, quick } from "./effort.ts";

export interface Settings {
  readonly contenders: readonly Contender[];
  readonly scenarios: readonly Scenario[];
  /** Bytes of payload of a round trip, each way. */
  readonly size: number;
  /** Of the sweep, ascending. */
  readonly sizes: readonly number[];
  readonly cores: Cores;
  readonly quick: boolean;
  readonly effort: Effort;
  readonly json: string | undefined;
  readonly html: string | undefined;
}

const sizeMin = 4;
const sizeMax = 16 * 1024 * 1024;

export const help = `Usage: npm run bench [-- options]

Races every way that two processes of this machine can talk, natively, in Bun and in Deno, and reports
how long a round trip takes, how many messages go one way, and what the kernel has to do with it.
At the end come the project's goals, which are limits on these figures.
All of it takes under 6 minutes. Ctrl-C ends it, and nothing is written then.

  --only NAMES    comma-separated: ids as --list prints them (native/pipe), beginnings of them
                  (native/, bun/zerocross), or either without the runner (pipe, zerocross);
                  the floor always runs along
  --size N        bytes of a round trip's payload, each way (default 32)
  --sizes LIST    bytes of the messages of the sweep (default ${full.sizes});
                  of three and more the slow mechanisms get every other one
  --cores A,B     the cores that the two sides are pinned to (default: the first two); event loops are not
  --quick         under a minute: as little as shows that everything works; the figures count for nothing
  --json FILE     write every figure there, with the machine
  --html FILE     write a page there that shows them, which needs no network
  --list          print the mechanisms and the scenarios, and what they are
  --help          print this

  npm run bench -- compare A.json B.json    what changed between two races beyond the noise
`;

/** What was asked for: a race, or only to be told something. */
export function parseSettings(args: readonly string[]): Settings | "help" | "list" {
  const values = parse(args);
  if (values.help) return "help";
  if (values.list) return "list";
  const effort = values.quick ? quick : full;
  const sizes = (values.sizes ?? effort.sizes).split(",").map((size) => parseSize("--sizes", size));
  return {
    ...choose(values.only),
    size: parseSize("--size", values.size),
    sizes: [...new Set(sizes)].sort((one, other) => one - other),
    cores: parseCores(values.cores),
    quick: values.quick,
    effort,
    json: values.json,
    html: values.html,
  };
}

function parse(args: readonly string[]) {
  try {
    const options = {
      only: { type: "string" },
      size: { type: "string", default: "32" },
      sizes: { type: "string" },
      cores: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      html: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseSize(option: string, text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= sizeMin && Number(text) <= sizeMax) return Number(text);
  throw new UsageError(
    `${option} has ${JSON.stringify(text)}; expected bytes, ${sizeMin} to ${sizeMax}.`,
  );
}

function parseCores(text: string | undefined): Cores {
  const usable = usableCores();
  const [one, other, ...more] =
    text === undefined ? usable.slice(0, 2) : text.split(",").map(Number);
  if (text === undefined)
    return one === undefined || other === undefined ? undefined : [one, other];
  if (one === undefined || other === undefined || more.length > 0 || one === other) {
    throw new UsageError(`--cores is ${text}; expected two different cores, such as 0,1.`);
  }
  for (const core of [one, other]) {
    if (usable.includes(core)) continue;
    throw new UsageError(`--cores has ${core}; this process may run on ${usable.join(", ")}.`);
  }
  return [one, other];
}
