import { calibrate, clamp, inTurns, type Step, sum } from "./blocks.ts";
import type { Block, Contestant } from "./contestant.ts";
import type { Effort } from "./effort.ts";
import { distribution, round } from "./statistics.ts";

interface Entry {
  readonly contestant: Contestant;
  readonly size: number;
  /** Round trips of a block. */
  readonly count: number;
  readonly blocks: Block[];
  readonly samples: Uint32Array[];
}

/** A slow mechanism may take so many times the time of the others for the least number of round trips. */
const patience = 3;

export async function measureRoundTrips(
  contestants: readonly Contestant[],
  { size: wanted, count, effort }: { size: number; count: number; effort: Effort },
  step: Step,
): Promise<void> {
  const entries: Entry[] = [];
  for (const contestant of contestants) {
    if (!contestant.isRunning || !contestant.contender.forms.roundTrip) continue;
    const size = contestant.roundTripSize(wanted);
    const reason = contestant.refusal(size);
    if (reason !== undefined) {
      contestant.results.roundTrip = { size, reason };
      continue;
    }
    step(0, contestant.id);
    await contestant.attempt(async () => {
      const isNative = contestant.contender.mechanism.runner === "native";
      const all = isNative ? count : await scriptCount(contestant, size, effort);
      const each = Math.ceil(all / effort.roundTripBlocks);
      entries.push({ contestant, size, count: each, blocks: [], samples: [] });
    });
  }
  await inTurns(entries, effort.roundTripBlocks, step, async (entry) => {
    entry.blocks.push(await entry.contestant.ask("round-trip", entry.count, entry.size));
    entry.samples.push(entry.contestant.takeSamples(entry.count));
  });
  for (const entry of entries) summarise(entry);
}

async function scriptCount(contestant: Contestant, size: number, effort: Effort): Promise<number> {
  const { seconds, min, max } = effort.scriptRoundTrips;
  const each = await calibrate(contestant, "round-trip", size, {
    leastMs: seconds * 50,
    startAt: 4,
  });
  const fitting = (seconds * 1e9) / each;
  return Math.round(clamp(fitting, Math.min(min, fitting * patience), max));
}

function summarise({ contestant, size, count, blocks, samples }: Entry): void {
  if (!contestant.isRunning) return;
  const all = count * blocks.length;
  contestant.results.roundTrip = {
    size,
    count: all,
    ...distribution(samples),
    voluntarySwitches: round(sum(blocks, ({ voluntary }) => voluntary) / all),
    involuntarySwitches: round(sum(blocks, ({ involuntary }) => involuntary) / all),
    cpuNs: round(sum(blocks, ({ cpuNs }) => cpuNs) / all),
  };
}
