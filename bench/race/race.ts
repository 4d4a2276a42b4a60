import { describeMachine } from "../machine.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import type { Contestant } from "./contestant.ts";
import { type Effort, full, shorten } from "./effort.ts";
import { judge } from "./goals.ts";
import { clamp, oneWaySize } from "./measure.ts";
import { bareLineId, emptyCallId } from "./mechanisms.ts";
import { Progress, type Stage } from "./progress.ts";
import { runners } from "./reading.ts";
import type { Race, Runner, ScenarioResult } from "./result.ts";
import { raceSet, type SetResult, stagesOf } from "./set.ts";
import type { Settings } from "./settings.ts";
import { round, scale } from "./statistics.ts";

/** What the whole race should take at most. */
export const wholeSeconds = 330;
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
  const isUsual = settings.count <= full.roundTrips;
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
    const results: ScenarioResult[] = [];
    for (const scenario of settings.scenarios) {
      try {
        results.push(await runScenario(scenario, { progress, effort: effortNow() }));
      } catch (error) {
        failures.push(`${scenario.name}: ${error instanceof Error ? error.message : error}`);
      }
    }
    const bareLineNs = bareLines(sets);
    const race: Race = {
      version: 1,
      machine,
      quick: settings.quick,
      seconds: round((performance.now() - start) / 1000),
      ...circumstances(settings, contestants),
      bareLineNs,
      rows,
      scenarios: results,
      goals: judge({ rows, bareLineNs, scenarios: results }),
    };
    return { race, failures };
  } finally {
    progress.end();
  }
}

/** On a machine that is slower than planned, what comes later gets less time. */
function inTime(effort: Effort, { elapsedSeconds, secondsLeft }: Progress): Effort {
  return shorten(effort, clamp((wholeSeconds - elapsedSeconds) / secondsLeft, leastFactor, 1));
}

async function runScenario(
  { name, title, measure }: Scenario,
  { progress, effort }: { progress: Progress; effort: Effort },
): Promise<ScenarioResult> {
  const share = (usual: number, least: number) =>
    Math.max(least, Math.round(usual * effort.scenarioShare));
  const result = await progress.run(name, (step) => measure({ step, share }));
  return { name, title, ...result };
}

/** All that belongs to a race, and about how long each part takes. */
export function stages(settings: Settings): Stage[] {
  const ofSets = chosenRunners(settings).flatMap((runner) => stagesOf(runner, settings));
  const { scenarioShare } = settings.effort;
  return [
    ...ofSets,
    ...settings.scenarios.map(({ name, seconds }) => ({
      name,
      seconds: Math.max(1, seconds * scenarioShare),
    })),
  ];
}

function chosenRunners({ contenders }: Settings): Runner[] {
  return runners.filter((runner) =>
    contenders.some(({ mechanism }) => mechanism.runner === runner),
  );
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
