import { inTurns, type Step } from "./blocks.ts";
import type { Contestant } from "./contestant.ts";
import { distribution } from "./statistics.ts";

/** Round trips of a block. */
const count = 10;

/** The first message after a silence, and its answer: both sides have fallen asleep. */
export async function measureAfterSilence(
  contestants: readonly Contestant[],
  { size, blocks }: { size: number; blocks: number },
  step: Step,
): Promise<void> {
  const entries = contestants
    .filter(({ isRunning, contender }) => isRunning && contender.forms.afterSilence)
    .map((contestant) => ({ contestant, samples: [] as Uint32Array[] }));
  await inTurns(entries, blocks, step, async ({ contestant, samples }) => {
    await contestant.ask("after-silence", count, size);
    samples.push(contestant.takeSamples(count));
  });
  for (const { contestant, samples } of entries) {
    if (!contestant.isRunning) continue;
    const { p50, p99, blockMedians } = distribution(samples);
    contestant.results.afterSilence = { count: count * blocks, p50, p99, blockMedians };
  }
}
