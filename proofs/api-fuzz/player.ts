/** Plays the sequences of a seed, one after the other. */
import { writeFileSync } from "node:fs";
import { inspect } from "node:util";
import fc from "fast-check";
import { endPartner } from "./partner-thread.ts";
import type { Progress } from "./progress.ts";
import { play, type Sequence, sequences } from "./sequence.ts";
import type { Tally } from "./world.ts";

/** Names a sequence, in any process of any runtime. */
export interface Origin {
  readonly seed: number;
  /** As fast-check writes it: the number of the run, and then the way down through its shrinks. */
  readonly path: string;
}

export interface Failure extends Origin {
  readonly message: string;
}

/** Sequences of one seed. A seed of fast-check's begins with small values: too few would never get further. */
const batchSize = 100;

/** What fast-check counts runs and shrinks of; the same wherever an origin is made or followed. */
export function sequenceProperty(test: (sequence: Sequence) => Promise<boolean>) {
  return fc.asyncProperty(sequences, test);
}

export function sequencesOf({ seed, path }: Origin, count: number): Sequence[] {
  const property = sequenceProperty(async () => true);
  return fc.sample(property, { seed, path, numRuns: count }).map(([sequence]) => sequence);
}

/**
 * Plays until the round is over, noting in `notes` what is about to be played: when the process dies,
 * its file says where.
 */
export async function playOn(
  firstSeed: number,
  notes: string,
  tally: Tally,
  progress: Progress,
  onPlayed: (progress: Progress) => void = () => {},
): Promise<Failure | undefined> {
  let counted = sum(tally);
  for (let seed = firstSeed; ; seed++) {
    const batch = sequencesOf({ seed, path: "0" }, batchSize);
    for (const [run, sequence] of batch.entries()) {
      if (progress.isOver) {
        await endPartner();
        return undefined;
      }
      const origin: Origin = { seed, path: String(run) };
      writeFileSync(notes, JSON.stringify(origin));
      try {
        await play(sequence, tally);
      } catch (error) {
        return { ...origin, message: explain(error) };
      }
      const made = sum(tally);
      progress.add(made - counted);
      counted = made;
      onPlayed(progress);
    }
  }
}

/** With where it came from, if it says so. */
export function explain(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : inspect(error);
}

export function sum(tally: Tally): number {
  return [...tally.values()].reduce((all, count) => all + count, 0);
}
