/** The shortest sequence that still goes wrong, each candidate in a process of its own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { type Origin, sequenceProperty } from "./player.ts";
import type { Sequence } from "./sequence.ts";
import { runChild } from "./watch.ts";

export interface Shrunk extends Origin {
  readonly sequence: Sequence;
  readonly problem: string;
}

/** Milliseconds of shrinking, after which the shortest so far has to do. */
const shrinkingMax = 120_000;
/** A fault of memory may need more than one chance. */
const times = 3;

export async function playAlone(sequence: Sequence, folder: string): Promise<string | undefined> {
  const file = join(folder, "sequence.json");
  writeFileSync(file, JSON.stringify(sequence));
  const alone = { file, times };
  return (await runChild({ alone, seed: 0, calls: 0, threads: 1, notes: folder })).problem;
}

/** `undefined`: alone it does not go wrong. */
export async function shrink({ seed, path }: Origin, folder: string): Promise<Shrunk | undefined> {
  const start = performance.now();
  let problem = "";
  const property = sequenceProperty(async (sequence) => {
    // The shortest so far stays what it is when the time is up.
    if (problem !== "" && performance.now() - start > shrinkingMax) return true;
    const found = await playAlone(sequence, folder);
    if (found !== undefined) problem = found;
    return found === undefined;
  });
  const { counterexample, counterexamplePath } = await fc.check(property, {
    seed,
    path,
    numRuns: 1,
  });
  if (counterexample === null || counterexamplePath === null) return undefined;
  return { seed, path: counterexamplePath, sequence: counterexample[0], problem };
}
