import { calibrate, clamp, inTurns, type Step, sum } from "./blocks.ts";
import type { Block, Contestant } from "./contestant.ts";
import type { Effort } from "./effort.ts";
import type { NotTaken, OneWay } from "./result.ts";
import { figure, round } from "./statistics.ts";

/** Bytes of a message in the usual comparison, 100,000 of which are sent. */
export const oneWaySize = 64;

interface Entry {
  readonly contestant: Contestant;
  /** Messages of a block. */
  readonly count: number;
  readonly blocks: Block[];
}

/** How many messages a block has; `each` finds out how many nanoseconds one takes. */
type CountOf = (contestant: Contestant, each: () => Promise<number>) => Promise<number>;

export async function measureOneWay(
  contestants: readonly Contestant[],
  effort: Effort,
  step: Step,
): Promise<void> {
  const { oneWayBlocks, oneWayMessages, oneWaySeconds } = effort;
  const most = oneWayMessages / oneWayBlocks;
  const countOf: CountOf = async ({ contender }, each) => {
    if (contender.mechanism.runner === "native") return most;
    const fitting = (oneWaySeconds * 1e9) / oneWayBlocks / (await each());
    return Math.ceil(Math.min(most, fitting));
  };
  const plan = { size: oneWaySize, blocks: oneWayBlocks, calibrationMs: oneWaySeconds * 10 };
  const measured = await measureSize(contestants, { ...plan, countOf }, step);
  for (const [contestant, result] of measured) contestant.results.oneWay = result;
}

export async function measureSweep(
  contestants: readonly Contestant[],
  { sizes, effort }: { sizes: readonly number[]; effort: Effort },
  step: Step,
): Promise<void> {
  const { sweepBlocks, sweepBlockMs } = effort;
  const points = new Map<Contestant, (OneWay | NotTaken)[]>();
  for (const [index, size] of sizes.entries()) {
    const countOf: CountOf = async (_, each) =>
      Math.max(leastCount(size), Math.ceil((sweepBlockMs * 1e6) / (await each())));
    const plan = { size, blocks: sweepBlocks, calibrationMs: sweepBlockMs / 2, countOf };
    const measured = await measureSize(contestants, plan, (done, what) =>
      step((index + done) / sizes.length, `${size} bytes, ${what}`),
    );
    for (const [contestant, result] of measured) {
      points.set(contestant, [...(points.get(contestant) ?? []), result]);
    }
  }
  for (const [contestant, sweep] of points) contestant.results.sweep = sweep;
}

/** Messages of a block at least: the wake-up that each block begins with would be what is measured. */
function leastCount(size: number): number {
  return clamp(Math.floor(leastBytes / size), 8, 400);
}

const leastBytes = 256 * 1024;

interface Plan {
  readonly size: number;
  readonly blocks: number;
  readonly calibrationMs: number;
  readonly countOf: CountOf;
}

async function measureSize(
  contestants: readonly Contestant[],
  { size, blocks, calibrationMs, countOf }: Plan,
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
      const each = () =>
        calibrate(contestant, "one-way", size, {
          leastMs: calibrationMs,
          startAt: leastCount(size),
        });
      entries.push({ contestant, count: await countOf(contestant, each), blocks: [] });
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
