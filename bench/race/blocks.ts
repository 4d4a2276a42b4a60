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

/** Messages of the first block of a warm-up, and how many times as many the next one may have. */
const first = 64;
const growth = 4;

/**
 * Runs the very loop for so many milliseconds at least, until its code is compiled and its memory warm.
 * Says how many nanoseconds one took in the end.
 */
export async function warmUp(
  contestant: Contestant,
  { command, size, ms }: { command: Command; size: number; ms: number },
): Promise<number> {
  let left = ms * 1e6;
  for (let count = first; ; ) {
    const { elapsedNs } = await contestant.ask(command, count, size);
    if (command === "round-trip") contestant.takeSamples(count);
    left -= elapsedNs;
    const eachNs = elapsedNs / count;
    if (left <= 0) return eachNs;
    count = Math.ceil(clamp(left / eachNs, 1, growth * count));
  }
}

export function sum(blocks: readonly Block[], of: (block: Block) => number): number {
  return blocks.reduce((total, block) => total + of(block), 0);
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
