import { parseArgs } from "node:util";
import { UsageError } from "../../bench/usage-error.ts";
import type { Settings } from "./soak.ts";

export const help = `Mixed load between processes of Bun and Deno: channels, RPC, serve with clients that come and go or
are killed, FanIn with producers that do. Every message is checked by its number and a checksum, and
every process for what it holds.

Usage: bun proofs/soak/main.ts [options]

  --minutes N   how long; default 20
  --seconds N   the same in seconds, for a short run
  --seed N      for the random numbers; default: another one with every run
  --json FILE   write what was seen, and of the moments those that the picture shows
  --svg FILE    draw it
  --help        this text

Prints a line every 10 s. Ctrl-C ends it, with a report of what was seen until then. The exit code is
1 when a message was not as it was sent, or a process failed or holds more at the end than at the start.`;

export interface Options {
  readonly settings: Settings;
  readonly json?: string;
  readonly svg?: string;
}

/** `undefined`: only the help is wanted. */
export function readOptions(args: string[]): Options | undefined {
  const { help: isHelp, minutes, seconds, seed, json, svg } = parse(args);
  if (isHelp) return undefined;
  if (minutes !== undefined && seconds !== undefined) {
    throw new UsageError("--minutes and --seconds are both given; expected one of them");
  }
  const length =
    seconds === undefined ? 60 * number("minutes", minutes ?? "20") : number("seconds", seconds);
  return {
    settings: settingsFor(length, seed === undefined ? Date.now() % 2 ** 31 : number("seed", seed)),
    ...(json !== undefined && { json }),
    ...(svg !== undefined && { svg }),
  };
}

function settingsFor(seconds: number, seed: number): Settings {
  return {
    seconds,
    seed,
    warmUp: Math.min(60, seconds / 3),
    sampleEvery: Math.min(10, seconds / 10),
    window: Math.min(30, seconds / 10),
    calm: Math.min(4, Math.max(1, seconds / 15)),
  };
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value < 2 ** 31) return value;
  throw new UsageError(`--${name} is ${text}; expected a number greater than 0`);
}

function parse(args: string[]) {
  try {
    const text = { type: "string" } as const;
    const options = { minutes: text, seconds: text, seed: text, json: text, svg: text };
    return parseArgs({ args, options: { ...options, help: { type: "boolean" } } }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
