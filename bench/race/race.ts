import { sum } from "simple-statistics";
import { describeMachine } from "../machine.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import type { Contestant } from "./contestant.ts";
import { type Effort, secondsOf, shorten } from "./effort.ts";
import { judge } from "./goals.ts";
import { clamp, oneWaySize } from "./measure.ts";
import { bareLineId, emptyCallId } from "./mechanisms.ts";
import { type Step, showProgress } from "./progress.ts";
import { runners } from "./reading.ts";
import type { Race, Runner, ScenarioResult } from "./result.ts";
import { raceSet, type SetResult } from "./set.ts";
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
  const elapsedSeconds = () => (performance.now() - start) / 1000;
  const machine = describeMachine();
  const left = secondsOfParts(settings);
  // On a machine that is slower than planned, what comes later gets less time.
  const effortNow = (part: Runner | Scenario): Effort => {
    const factor = (wholeSeconds - elapsedSeconds()) / sum([...left.values()]);
    left.delete(part);
    return shorten(settings.effort, clamp(factor, leastFactor, 1));
  };
  try {
    const sets = new Map<Runner, SetResult>();
    for (const runner of chosenRunners(settings)) {
      sets.set(runner, await raceSet(runner, settings, effortNow(runner)));
    }
    const contestants = [...sets.values()].flatMap((set) => set.contestants);
    const rows = contestants.map(({ row }) => row);
    const failures = rows.flatMap(({ id, failed }) =>
      failed === undefined ? [] : `${id}: ${failed}`,
    );
    const results: ScenarioResult[] = [];
    for (const scenario of settings.scenarios) {
      try {
        results.push(await runScenario(scenario, effortNow(scenario)));
      } catch (error) {
        failures.push(`${scenario.name}: ${error instanceof Error ? error.message : error}`);
      }
    }
    const bareLineNs = bareLines(sets);
    const race: Race = {
      version: 1,
      machine,
      quick: settings.quick,
      seconds: round(elapsedSeconds()),
      ...circumstances(settings, contestants),
      bareLineNs,
      rows,
      scenarios: results,
      goals: judge({ rows, bareLineNs, scenarios: results }),
    };
    return { race, failures };
  } finally {
    showProgress("");
  }
}

async function runScenario(
  { name, title, measure }: Scenario,
  { scenarioShare }: Effort,
): Promise<ScenarioResult> {
  const share = (usual: number, least: number) =>
    Math.max(least, Math.round(usual * scenarioShare));
  const step: Step = (what) => showProgress(`${name}: ${what}`);
  return { name, title, ...(await measure({ step, share })) };
}

/** All that belongs to a race, and about how long each part takes. */
export function secondsOfParts(settings: Settings): Map<Runner | Scenario, number> {
  const { contenders, scenarios, sizes, effort } = settings;
  const parts = new Map<Runner | Scenario, number>();
  for (const contender of contenders) {
    const { runner } = contender.mechanism;
    parts.set(runner, (parts.get(runner) ?? 0) + secondsOf(contender, sizes, effort));
  }
  for (const each of scenarios) parts.set(each, Math.max(1, each.seconds * effort.scenarioShare));
  return parts;
}

function chosenRunners({ contenders }: Settings): Runner[] {
  return runners.filter((runner) =>
    contenders.some(({ mechanism }) => mechanism.runner === runner),
  );
}

/** What the figures mean nothing without; the floor has found it out. */
function circumstances(
  { cores, size, sizes, effort }: Settings,
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
      count: effort.roundTrips,
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
