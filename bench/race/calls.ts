import { median } from "simple-statistics";
import { type CallCounter, countCalls } from "./call-counter.ts";
import type { Command, Contestant } from "./contestant.ts";
import type { Effort } from "./effort.ts";
import { clamp, oneWaySize } from "./measure.ts";
import type { Step } from "./progress.ts";
import type { Calls } from "./result.ts";
import { round } from "./statistics.ts";

/** The longer of two blocks has so many times as many messages as the shorter one. */
const ratio = 5;

/** A tenth of each block goes first and is not timed, but counted. */
const untimed = 1.1;

/** Messages of the shorter block; a tenth of them must be a whole number. */
const shortest = 20;
const longest = 40_000;

/** System calls of both sides for each round trip and each message, counted by the kernel. */
export async function countSystemCalls(
  contestants: readonly Contestant[],
  { counted }: Effort,
  step: Step,
): Promise<void> {
  // The kernel takes its time over each.
  const closing: Promise<void>[] = [];
  for (const contestant of contestants) {
    step(contestant.id);
    const { roundTrip, oneWay } = contestant.results;
    const asked: { command: Command; size: number; eachNs: number }[] = [];
    if (roundTrip !== undefined && "p50" in roundTrip) {
      asked.push({ command: "round-trip", size: roundTrip.size, eachNs: roundTrip.p50 });
    }
    if (oneWay !== undefined && "count" in oneWay) {
      const eachNs = 1e9 / oneWay.messagesPerSecond.median;
      asked.push({ command: "one-way", size: oneWaySize, eachNs });
    }
    if (!contestant.isRunning || asked.length === 0) continue;
    const counter = await countCalls(contestant.ready?.pids ?? []);
    await contestant.attempt(async () => {
      for (const { command, eachNs, ...of } of asked) {
        const fitting = (counted.longMs * 1e6) / ratio / eachNs;
        const short = tens(clamp(fitting, shortest, longest));
        const plan = { command, short, pairs: counted.pairs, ...of };
        const calls: Calls =
          "reason" in counter
            ? counter
            : { perOne: await slope(contestant, counter, plan), by: "perf_event_open" };
        const name = command === "one-way" ? "callsPerMessage" : "callsPerRoundTrip";
        contestant.results[name] = calls;
      }
    });
    if ("close" in counter) closing.push(counter.close());
  }
  await Promise.all(closing);
}

/**
 * Between a short and a long block: what a command costs besides its messages drops out. Of several,
 * because a runtime's own threads make a system call now and then.
 */
async function slope(
  contestant: Contestant,
  counter: CallCounter,
  { command, size, short, pairs }: { command: Command; size: number; short: number; pairs: number },
): Promise<number> {
  const callsOf = (count: number) => counter.during(() => contestant.ask(command, count, size));
  const long = short * ratio;
  const found: number[] = [];
  while (found.length < pairs) {
    const more = (await callsOf(long)) - (await callsOf(short));
    found.push(Math.max(0, more / (long - short) / untimed));
  }
  return round(median(found));
}

function tens(count: number): number {
  return Math.ceil(count / 10) * 10;
}
