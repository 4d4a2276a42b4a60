import { sum } from "simple-statistics";
import { type Contender, sweptSizes } from "./contender.ts";

/** How long the blocks of a runner's mechanisms are. */
export interface Pace {
  /** Milliseconds of the very loop before a block counts. */
  readonly warmUpMs: number;
  /** Milliseconds of a block one way. A collector that runs now and then is to have its share in each. */
  readonly blockMs: number;
  /** Milliseconds of the round trips of a mechanism, all blocks together. */
  readonly roundTripMs: number;
}

/** How much of everything is measured. */
export interface Effort {
  readonly native: Pace;
  readonly script: Pace;
  readonly roundTripBlocks: number;
  /** Round trips of a mechanism at most, where --count says nothing else. */
  readonly roundTrips: number;
  readonly silenceBlocks: number;
  readonly oneWayBlocks: number;
  readonly sweepBlocks: number;
  /** Bytes of the messages of the sweep, where --sizes says nothing else. */
  readonly sizes: string;
  readonly handovers: number;
  /** System calls are counted in pairs of blocks, of which the longer one takes that long. */
  readonly counted: { readonly pairs: number; readonly longMs: number };
  /** Of the rounds and the milliseconds of a scenario. */
  readonly scenarioShare: number;
}

export const full: Effort = {
  native: { warmUpMs: 20, blockMs: 20, roundTripMs: 1500 },
  script: { warmUpMs: 200, blockMs: 100, roundTripMs: 1000 },
  roundTripBlocks: 10,
  roundTrips: 400_000,
  silenceBlocks: 5,
  oneWayBlocks: 5,
  sweepBlocks: 3,
  sizes: "32,1024,16384,65536,1048576",
  handovers: 5,
  counted: { pairs: 3, longMs: 12 },
  scenarioShare: 1,
};

/** As little as shows that everything works. */
export const quick: Effort = {
  native: { warmUpMs: 0, blockMs: 1, roundTripMs: 10 },
  script: { warmUpMs: 0, blockMs: 1, roundTripMs: 10 },
  roundTripBlocks: 2,
  roundTrips: 400,
  silenceBlocks: 1,
  oneWayBlocks: 2,
  sweepBlocks: 1,
  sizes: "4,4096,1048576",
  handovers: 1,
  counted: { pairs: 1, longMs: 4 },
  scenarioShare: 0,
};

/** In shorter blocks the wake-up at their beginning, and cold memory, are all that there is to see. */
const leastBlockShare = 0.5;

/** The same for less time. */
export function shorten(effort: Effort, factor: number): Effort {
  const share = Math.max(leastBlockShare, factor);
  const shorter = ({ warmUpMs, blockMs, roundTripMs }: Pace): Pace => ({
    warmUpMs: warmUpMs * share,
    blockMs: blockMs * share,
    roundTripMs: roundTripMs * factor,
  });
  return {
    ...effort,
    native: shorter(effort.native),
    script: shorter(effort.script),
    scenarioShare: effort.scenarioShare * factor,
  };
}

export function paceOf({ mechanism }: Contender, { native, script }: Effort): Pace {
  return mechanism.runner === "native" ? native : script;
}

/** A tenth of each block goes first and is not timed. */
const untimed = 1.1;

/** What a block costs besides: its command, the two sides' meeting, the second side's last words. */
const commandMs = 2;

/** About how long all of a contender takes. */
export function secondsOf(contender: Contender, sizes: readonly number[], effort: Effort): number {
  const { mechanism, forms } = contender;
  const { warmUpMs, blockMs, roundTripMs } = paceOf(contender, effort);
  const { roundTripBlocks, counted } = effort;
  const blocks = (count: number, ms: number) => warmUpMs + count * (ms * untimed + commandMs);
  // What spins has made all of its round trips in a tenth of the time.
  const share = mechanism.waiting.startsWith("spins") ? 0.1 : 1;
  const countedMs = 1.5 * counted.pairs * counted.longMs;
  const milliseconds = [
    mechanism.runner === "native" ? 50 : 280,
    forms.roundTrip ? blocks(roundTripBlocks, (share * roundTripMs) / roundTripBlocks) : 0,
    forms.roundTrip ? countedMs : 0,
    forms.afterSilence ? effort.silenceBlocks * 240 : 0,
    forms.oneWay ? blocks(effort.oneWayBlocks, blockMs) + countedMs : 0,
    sweptSizes(contender, sizes).length * blocks(effort.sweepBlocks, blockMs),
    forms.handover ? effort.handovers * 100 : 0,
  ];
  return sum(milliseconds) / 1e3;
}
