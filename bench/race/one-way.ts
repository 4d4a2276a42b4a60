import { inTurns, type Step, sum, warmUp } from "./blocks.ts";
import { isSwept } from "./contender.ts";
import type { Block, Contestant } from "./contestant.ts";
import { type Effort, paceOf } from "./effort.ts";
import type { NotTaken, OneWay } from "./result.ts";
import { figure, round } from "./statistics.ts";

/** Bytes of a message in the usual comparison. */
export const oneWaySize = 64;

/** Messages of a block at least: the wake-up that each block begins with would be what is measured. */
const leastOfBlock = 8;

interface Entry {
  readonly contestant: Contestant;
  /** Messages of a block. */
  readonly count: number;
  readonly blocks: Block[];
}

export async function measureOneWay(
  contestants: readonly Contestant[],
  effort: Effort,
  step: Step,
): Promise<void> {
  const blocks = effort.oneWayBlocks;
  const measured = await measureSize(contestants, { size: oneWaySize, blocks, effort }, step);
  for (const [contestant, result] of measured) contestant.results.oneWay = result;
}

export async function measureSweep(
  contestants: readonly Contestant[],
  { sizes, effort }: { sizes: readonly number[]; effort: Effort },
  step: Step,
): Promise<void> {
  const blocks = effort.sweepBlocks;
  for (const [index, size] of sizes.entries()) {
    const swept = contestants.filter(({ contender }) => isSwept(contender, size));
    const measured = await measureSize(swept, { size, blocks, effort }, (done, what) =>
      step((index + done) / sizes.length, `${size} bytes, ${what}`),
    );
    for (const [{ results }, result] of measured) {
      results.sweep = [...(results.sweep ?? []), result];
    }
  }
}

async function measureSize(
  contestants: readonly Contestant[],
  { size, blocks, effort }: { size: number; blocks: number; effort: Effort },
  step: Step,
): Promise<Map<Contestant, OneWay | NotTaken>> {
  const results = new Map<Contestant, OneWay | NotTaken>();
  const entries: Entry[] = [];
  for (const contestant of contestants) {
    if (!contestant.isRunning || !contestant.contender.forms.oneWay) continue;
    const reason = contestant.refusal(size);
    if (reason !== undefined) {
      results.set(contestant, { size, reason });
      continue;
    }
    step(0, contestant.id);
    await contestant.attempt(async () => {
      const { warmUpMs, blockMs } = paceOf(contestant.contender, effort);
      const eachNs = await warmUp(contestant, { command: "one-way", size, ms: warmUpMs });
      const count = Math.max(leastOfBlock, Math.ceil((blockMs * 1e6) / eachNs));
      entries.push({ contestant, count, blocks: [] });
    });
  }
  await inTurns(entries, blocks, step, async ({ contestant, count, blocks: ran }) => {
    ran.push(await contestant.ask("one-way", count, size));
  });
  for (const { contestant, count, blocks: ran } of entries) {
    if (contestant.isRunning) results.set(contestant, summarise(size, count, ran));
  }
  return results;
}

function summarise(size: number, count: number, blocks: readonly Block[]): OneWay {
  const all = count * blocks.length;
  return {
    size,
    count: all,
    messagesPerSecond: figure(blocks.map(({ elapsedNs }) => (count * 1e9) / elapsedNs)),
    cpuNs: round(sum(blocks, ({ cpuNs }) => cpuNs) / all),
  };
}
