/** An end of the library in another process, as the test sees it. */
import type { EndArguments, Outcome } from "../programs/end.ts";
import { type Program, type ProgramOptions, startProgram } from "./program.ts";

export type { Outcome };

export function startEnd(args: EndArguments, options: ProgramOptions = {}): Program {
  return startProgram("end", args, options);
}

/** What became of every step that it was told, in order. */
export async function outcomesOf(program: Program, count: number): Promise<Outcome[]> {
  await program.next();
  const outcomes: Outcome[] = [];
  while (outcomes.length < count) outcomes.push(await program.next<Outcome>());
  return outcomes;
}
