import { type GroupResult, measureGroup } from "../goals/blocks.ts";
import { bareRow, groups } from "../goals/groups.ts";
import { judge } from "../goals/verdict.ts";
import type { Step } from "./blocks.ts";
import { roundTripOf } from "./reading.ts";
import type { GoalOutcome, Row } from "./result.ts";

/** After fewer the runtimes have not compiled what they run. */
const warmUps = 10;

interface Options {
  readonly cores: readonly [number, number];
  readonly rounds: number;
  readonly quick: boolean;
}

/** What the project asks of the channel and of calls, a few blocks each. */
export async function measureGoals(options: Options, step: Step): Promise<GoalOutcome[]> {
  const outcomes: GoalOutcome[] = [];
  for (const [index, group] of groups.entries()) {
    const show = (text: string) => step(index / groups.length, text);
    const rounds = { ...options, warmUps: options.quick ? 1 : warmUps, show };
    outcomes.push(...outcomesOf(await measureGroup(group, bareRow, rounds)));
  }
  return outcomes;
}

function outcomesOf(result: GroupResult): GoalOutcome[] {
  return result.rows.flatMap((row) =>
    judge(row, result).map((verdict) => ({
      name: `${result.group.title}: ${row.name}`,
      ...verdict,
    })),
  );
}

/** System calls for each round trip: what the design comes down to. */
const askedCalls: readonly { readonly id: string; readonly calls: number }[] = [
  { id: "native/ring-spin", calls: 0 },
  { id: "bun/zerocross-spin", calls: 0 },
  { id: "deno/zerocross-spin", calls: 0 },
  { id: "native/pipe", calls: 4 },
  { id: "native/unix-stream", calls: 4 },
];

/** A runtime's own threads make a system call now and then. */
const callsTolerance = 0.01;

/** What is asked of the mechanisms themselves; nothing of one that did not run. */
export function judgeRows(rows: readonly Row[]): GoalOutcome[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const counts = askedCalls.flatMap(({ id, calls }) => {
    const counted = byId.get(id)?.callsPerRoundTrip;
    if (counted === undefined || "reason" in counted) return [];
    return {
      name: `System calls per round trip: ${id}`,
      asked: String(calls),
      measured: counted.perOne.toFixed(4),
      reached: Math.abs(counted.perOne - calls) <= callsTolerance,
    };
  });
  return [...counts, ...judgeSleeping(byId)];
}

function judgeSleeping(byId: ReadonlyMap<string, Row>): GoalOutcome[] {
  const p50 = (id: string) => roundTripOf(byId.get(id))?.p50;
  const [ring, pipe] = [p50("native/ring-sleep"), p50("native/pipe")];
  if (ring === undefined || pipe === undefined) return [];
  return [
    {
      name: "Round trip of two sides that sleep: native/ring-sleep",
      asked: "no slower than a pipe",
      measured: `${(ring / pipe).toFixed(2)} x native/pipe`,
      reached: ring <= pipe,
    },
  ];
}
