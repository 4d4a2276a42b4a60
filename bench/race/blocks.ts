import type { Block, Command, Contestant } from "./contestant.ts";

/** Told how much of a phase is done, 0 to 1, and of whom it is the turn. */
export type Step = (done: number, what: string) => void;

/**
 * Runs a block of every contestant in turn, again and again, so that a drifting machine is fair to all.
 * A contestant that fails is out of the race, and the others go on.
 */
export async function inTurns<Of extends { readonly contestant: Contestant }>(
  entries: readonly Of[],
  blocks: number,
  step: Step,
  run: (entry: Of) => Promise<void>,
): Promise<void> {
  for (let block = 0; block < blocks; block++) {
    for (const [index, entry] of entries.entries()) {
      const { contestant } = entry;
      if (!contestant.isRunning) continue;
      step((block + index / entries.length) / blocks, contestant.id);
      await contestant.attempt(() => run(entry));
    }
  }
}

/**
 * Nanoseconds that one takes, roughly, from a block that takes that long; it also warms a runtime up.
 * That they take that long says nothing before they have done so twice.
 */
export async function calibrate(
  contestant: Contestant,
  command: Command,
  size: number,
  { leastMs, startAt }: { leastMs: number; startAt: number },
): Promise<number> {
  const time = async (count: number) => {
    const { elapsedNs } = await contestant.ask(command, count, size);
    if (command === "round-trip") contestant.takeSamples(count);
    return elapsedNs;
  };
  for (let count = startAt; ; count *= 4) {
    const elapsed = await time(count);
    if (elapsed < leastMs * 1e6) continue;
    const least = Math.min(elapsed, await time(count));
    if (least >= leastMs * 1e6) return least / count;
  }
}

export function sum(blocks: readonly Block[], of: (block: Block) => number): number {
  return blocks.reduce((total, block) => total + of(block), 0);
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
