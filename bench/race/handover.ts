import { inTurns, type Step } from "./blocks.ts";
import type { Contestant } from "./contestant.ts";
import { figure } from "./statistics.ts";

const size = 100_000_000;

export async function measureHandovers(
  contestants: readonly Contestant[],
  count: number,
  step: Step,
): Promise<void> {
  const entries = contestants
    .filter(({ isRunning, contender }) => isRunning && contender.forms.handover)
    .map((contestant) => ({ contestant, milliseconds: [] as number[] }));
  await inTurns(entries, count, step, async ({ contestant, milliseconds }) => {
    const block = await contestant.ask("handover", 1, size);
    milliseconds.push(...(block.milliseconds ?? []));
  });
  for (const { contestant, milliseconds } of entries) {
    if (contestant.isRunning)
      contestant.results.handover = { size, milliseconds: figure(milliseconds) };
  }
}
