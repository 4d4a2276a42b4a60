import { countSystemCalls } from "./calls.ts";
import { Contestant } from "./contestant.ts";
import type { Effort } from "./effort.ts";
import {
  measureAfterSilence,
  measureHandovers,
  measureOneWay,
  measureRoundTrips,
  measureSweep,
  oneWaySize,
} from "./measure.ts";
import { bareLineId, contenderOf } from "./mechanisms.ts";
import { type Step, showProgress } from "./progress.ts";
import { roundTripOf, runnerName } from "./reading.ts";
import type { Figure, Runner } from "./result.ts";
import type { Settings } from "./settings.ts";

/** What the mechanisms of one runner came to, which took turns with each other. */
export interface SetResult {
  readonly contestants: readonly Contestant[];
  /** The bare line's round trip, which took turns with them. */
  readonly bareLineNs: Figure | undefined;
}

/** Messages in which every byte is checked, before anything is timed. */
const verified = 20;

/** Bytes of the largest of them. */
const verifiedMax = 64 * 1024;

/** Runtimes that start at the same time: more only wait for each other. */
const startedAtOnce = 4;

export async function raceSet(
  runner: Runner,
  settings: Settings,
  effort: Effort,
): Promise<SetResult> {
  const { size, sizes } = settings;
  const contestants = settings.contenders
    .filter(({ mechanism }) => mechanism.runner === runner)
    .map((contender) => new Contestant(contender));
  const bareLine =
    contestants.find(({ id }) => id === bareLineId) ?? new Contestant(contenderOf(bareLineId));
  const all = [...new Set([bareLine, ...contestants])];
  const stage =
    (name: string): Step =>
    (what) =>
      showProgress(`${runnerName[runner]}, ${name}: ${what}`);
  try {
    await startAll(all, settings, stage("start"));
    await measureRoundTrips(all, size, effort, stage("round trips"));
    await measureAfterSilence(contestants, size, effort, stage("after silence"));
    await measureOneWay(contestants, effort, stage("one way"));
    await measureSweep(contestants, sizes, effort, stage("sizes"));
    await measureHandovers(contestants, effort, stage("handover"));
    await countSystemCalls(contestants, effort, stage("system calls"));
  } finally {
    await Promise.all(all.map((contestant) => contestant.leave()));
  }
  return { contestants, bareLineNs: roundTripOf(bareLine.row)?.blockMedians };
}

async function startAll(
  contestants: readonly Contestant[],
  settings: Settings,
  step: Step,
): Promise<void> {
  const waiting = [...contestants];
  const startNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      step(next.id);
      await next.start(settings.cores);
    }
  };
  await Promise.all(Array.from({ length: startedAtOnce }, startNext));
  for (const contestant of contestants) {
    step(contestant.id);
    if (contestant.isRunning) await contestant.attempt(() => verify(contestant, settings));
  }
}

/** No mechanism is measured that does not carry its payload. */
async function verify(contestant: Contestant, { size, sizes }: Settings): Promise<void> {
  const { roundTrip, oneWay, carriesNothing } = contestant.contender.forms;
  if (carriesNothing) return;
  const carries = (bytes: number) => contestant.refusal(bytes) === undefined;
  const asked = contestant.roundTripSize(size);
  if (roundTrip && carries(asked)) await contestant.ask("verify", verified, asked);
  if (!oneWay) return;
  const largest = sizes.findLast((bytes) => bytes <= verifiedMax && carries(bytes));
  for (const bytes of new Set([oneWaySize, largest ?? oneWaySize]).values()) {
    if (carries(bytes)) await contestant.ask("verify-one-way", verified, bytes);
  }
}
