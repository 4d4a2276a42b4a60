import { clamp, inTurns, type Step, sum, warmUp } from "./blocks.ts";
import type { Block, Contestant } from "./contestant.ts";
import { type Effort, paceOf } from "./effort.ts";
import { distribution, round } from "./statistics.ts";

interface Entry {
  readonly contestant: Contestant;
  readonly size: number;
  /** Round trips of a block. */
  readonly count: number;
  readonly blocks: Block[];
  readonly samples: Uint32Array[];
}

/** Round trips of a block at least, however slow they are. */
const leastOfBlock = 20;

/** As many as fit into the time, `most` at most. */
export async function measureRoundTrips(
  contestants: readonly Contestant[],
  { size: wanted, count: most, effort }: { size: number; count: number; effort: Effort },
  step: Step,
): Promise<void> {
  const { roundTripBlocks } = effort;
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
      const { warmUpMs, roundTripMs } = paceOf(contestant.contender, effort);
      const eachNs = await warmUp(contestant, { command: "round-trip", size, ms: warmUpMs });
      const fitting = (roundTripMs * 1e6) / eachNs / roundTripBlocks;
      const count = Math.ceil(clamp(fitting, leastOfBlock, most / roundTripBlocks));
      entries.push({ contestant, size, count, blocks: [], samples: [] });
    });
  }
  await inTurns(entries, roundTripBlocks, step, async (entry) => {
    entry.blocks.push(await entry.contestant.ask("round-trip", entry.count, entry.size));
    entry.samples.push(entry.contestant.takeSamples(entry.count));
  });
  for (const entry of entries) summarise(entry);
}

function summarise({ contestant, size, count, blocks, samples }: Entry): void {
  if (!contestant.isRunning) return;
  const all = count * blocks.length;
  contestant.results.roundTrip = {
    size,
    count: all,
    ...distribution(samples),
    clockNs: round(contestant.ready?.clockNs ?? 0),
    voluntarySwitches: round(sum(blocks, ({ voluntary }) => voluntary) / all),
    involuntarySwitches: round(sum(blocks, ({ involuntary }) => involuntary) / all),
    cpuNs: round(sum(blocks, ({ cpuNs }) => cpuNs) / all),
  };
}
