import { countSystemCalls } from "./calls.ts";
import { Contestant } from "./contestant.ts";
import { type Effort, secondsOf } from "./effort.ts";
import {
  measureAfterSilence,
  measureHandovers,
  measureOneWay,
  measureRoundTrips,
  measureSweep,
  oneWaySize,
} from "./measure.ts";
import { bareLineId, contenderOf } from "./mechanisms.ts";
import type { Progress, Stage, Step } from "./progress.ts";
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
  { progress, effortNow }: { progress: Progress; effortNow: () => Effort },
): Promise<SetResult> {
  const { size, sizes, count } = settings;
  const contestants = settings.contenders
    .filter(({ mechanism }) => mechanism.runner === runner)
    .map((contender) => new Contestant(contender));
  const bareLine =
    contestants.find(({ id }) => id === bareLineId) ?? new Contestant(contenderOf(bareLineId));
  const all = [...new Set([bareLine, ...contestants])];
  const stage = <Result>(name: string, work: (step: Step, effort: Effort) => Promise<Result>) =>
    progress.run(stageName(runner, name), (step) => work(step, effortNow()));
  try {
    await stage("start", (step) => startAll(all, settings, step));
    await stage("round trips", (step, effort) =>
      measureRoundTrips(all, { size, count, effort }, step),
    );
    await stage("after silence", (step, { silenceBlocks: blocks }) =>
      measureAfterSilence(contestants, { size, blocks }, step),
    );
    await stage("one way", (step, effort) => measureOneWay(contestants, effort, step));
    await stage("sizes", (step, effort) => measureSweep(contestants, { sizes, effort }, step));
    await stage("handover", (step, { handovers }) =>
      measureHandovers(contestants, handovers, step),
    );
    await stage("system calls", (step, { counted }) =>
      countSystemCalls(contestants, counted, step),
    );
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
  let started = 0;
  const waiting = [...contestants];
  const startNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      step(started++ / contestants.length, next.id);
      await next.start(settings.cores);
    }
  };
  await Promise.all(Array.from({ length: startedAtOnce }, startNext));
  for (const contestant of contestants) {
    step(1, contestant.id);
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

/** The stages of a runner's set, and about how long each takes. */
export function stagesOf(runner: Runner, { contenders, sizes, effort }: Settings): Stage[] {
  const stages = new Map<string, number>();
  for (const contender of contenders) {
    if (contender.mechanism.runner !== runner) continue;
    for (const [name, seconds] of Object.entries(secondsOf(contender, sizes, effort))) {
      stages.set(name, (stages.get(name) ?? 0) + seconds);
    }
  }
  return [...stages].map(([name, seconds]) => ({ name: stageName(runner, name), seconds }));
}

function stageName(runner: Runner, name: string): string {
  return `${runnerName[runner]}, ${name}`;
}
