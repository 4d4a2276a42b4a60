/** An end of the library that works by promises, in another process. */
import type { AsyncEndArguments } from "../programs/async-end.ts";
import type { Outcome } from "./far-end.ts";
import { type Program, type ProgramOptions, startProgram } from "./program.ts";

export type { AsyncEndArguments };

/** `ticks`: how often a timer of 5 milliseconds came to its turn meanwhile. */
export type AsyncOutcome<Value = unknown> = Outcome<Value> & { readonly ticks: number };

export function startAsyncEnd(args: AsyncEndArguments, options: ProgramOptions = {}): Program {
  return startProgram("async-end", args, options);
}
