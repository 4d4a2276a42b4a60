import { describeMachine } from "../machine.ts";
import { clamp, type Step } from "./blocks.ts";
import type { Contestant } from "./contestant.ts";
import { type Effort, full, shorten } from "./effort.ts";
import { judgeRows, measureGoals } from "./goals.ts";
import { bareLineId, emptyCallId } from "./mechanisms.ts";
import { measureMicro } from "./micro.ts";
import { oneWaySize } from "./one-way.ts";
import { Progress, type Stage } from "./progress.ts";
import { runners } from "./reading.ts";
import type { GoalOutcome, Race, Runner } from "./result.ts";
import { raceSet, type SetResult, stagesOf } from "./set.ts";
import type { Settings } from "./settings.ts";
import { round, scale } from "./statistics.ts";

const micro = "single calls";
const goals = "goals";

/** What the whole race should take at most. */
const wholeSeconds = 255;
const leastFactor = 0.15;

/** What went wrong is also told of here: the rest of the race went on. */
export interface Outcome {
  readonly race: Race;
  readonly failures: readonly string[];
}

export async function runRace(settings: Settings): Promise<Outcome> {
  const start = performance.now();
  const machine = describeMachine(settings.cores);
  const progress = new Progress(stages(settings));
  // Who asks for more round trips than usual has the time.
  const isUsual = settings.count <= full.nativeRoundTrips;
  const effortNow = () => (isUsual ? inTime(settings.effort, progress) : settings.effort);
  try {
    const sets = new Map<Runner, SetResult>();
    for (const runner of chosenRunners(settings)) {
      sets.set(runner, await raceSet(runner, settings, { progress, effortNow }));
    }
    const contestants = [...sets.values()].flatMap((set) => set.contestants);
    const rows = contestants.map(({ row }) => row);
    const failures = rows.flatMap(({ id, failed }) =>
      failed === undefined ? [] : `${id}: ${failed}`,
    );
    /** A part of the race that stands for itself. */
    const part = async <Result>(name: string, work: (step: Step) => Promise<Result[]>) => {
      if (!settings.isWhole) return [];
      return progress.run(name, work).catch((error) => {
        failures.push(`${name}: ${error instanceof Error ? error.message : error}`);
        return [];
      });
    };
    const singleCalls = await part(micro, (step) => measureMicro(settings.quick, step));
    const outcomes = await part(goals, (step) => goalsOf(settings, effortNow(), step));
    const race: Race = {
      version: 1,
      machine,
      quick: settings.quick,
      seconds: round((performance.now() - start) / 1000),
      ...circumstances(settings, contestants),
      bareLineNs: bareLines(sets),
      rows,
      micro: singleCalls,
      goals: [...outcomes, ...judgeRows(rows)],
    };
    return { race, failures };
  } finally {
    progress.end();
  }
}

/** On a machine where the native round trips take long, what comes after them gets less time. */
function inTime(effort: Effort, { elapsedSeconds, secondsLeft }: Progress): Effort {
  return shorten(effort, clamp((wholeSeconds - elapsedSeconds) / secondsLeft, leastFactor, 1));
}

function stages(settings: Settings): Stage[] {
  const ofSets = chosenRunners(settings).flatMap((runner) => stagesOf(runner, settings));
  if (!settings.isWhole) return ofSets;
  const { goalRounds } = settings.effort;
  return [...ofSets, { name: micro, seconds: 5 }, { name: goals, seconds: 25 + 2 * goalRounds }];
}

function chosenRunners({ contenders }: Settings): Runner[] {
  return runners.filter((runner) =>
    contenders.some(({ mechanism }) => mechanism.runner === runner),
  );
}

async function goalsOf(
  { cores, quick }: Settings,
  { goalRounds }: Effort,
  step: Step,
): Promise<GoalOutcome[]> {
  return cores === undefined ? [] : measureGoals({ cores, rounds: goalRounds, quick }, step);
}

/** What the figures mean nothing without; the floor has found it out. */
function circumstances(
  { cores, size, sizes, count }: Settings,
  contestants: readonly Contestant[],
): Pick<Race, "settings" | "clock" | "emptyCallNs"> {
  const ready = contestants.find(({ id }) => id === bareLineId)?.ready;
  const emptyCall = contestants.find(({ id }) => id === emptyCallId);
  const readingNs = (ready ?? emptyCall?.ready)?.clockNs ?? 0;
  const { roundTrip } = emptyCall?.row ?? {};
  return {
    settings: {
      cores: cores ?? [0, 0],
      pinned: ready?.pinned ?? "this process may run on one core only",
      roundTripSize: size,
      oneWaySize,
      sizes,
      count,
    },
    clock: { name: (ready ?? emptyCall?.ready)?.clock ?? "none", readingNs },
    ...(roundTrip !== undefined &&
      "p50" in roundTrip && {
        emptyCallNs: scale(roundTrip.blockMedians, (ns) => Math.max(0, ns - readingNs)),
      }),
  };
}

function bareLines(sets: ReadonlyMap<Runner, SetResult>): Race["bareLineNs"] {
  const known = [...sets].flatMap(([runner, { bareLineNs }]) =>
    bareLineNs === undefined ? [] : [[runner, bareLineNs] as const],
  );
  return Object.fromEntries(known);
}
