/** How much of everything is measured. */
export interface Effort {
  readonly roundTripBlocks: number;
  /** Round trips of a native mechanism, where --count says nothing else. */
  readonly nativeRoundTrips: number;
  /** Round trips of a JavaScript mechanism: as many as fit into the time, within these bounds. */
  readonly scriptRoundTrips: {
    readonly seconds: number;
    readonly min: number;
    readonly max: number;
  };
  readonly oneWayBlocks: number;
  readonly oneWayMessages: number;
  /** A JavaScript mechanism that takes longer for them sends fewer. */
  readonly oneWaySeconds: number;
  /** Bytes of the messages of the sweep, where --sizes says nothing else. */
  readonly sizes: string;
  readonly sweepBlocks: number;
  readonly sweepBlockMs: number;
  readonly handovers: number;
  /** System calls are counted in pairs of blocks, of which the longer one takes that long. */
  readonly counted: { readonly pairs: number; readonly longMs: number };
  readonly goalRounds: number;
}

export const full: Effort = {
  roundTripBlocks: 10,
  nativeRoundTrips: 100_000,
  scriptRoundTrips: { seconds: 1.2, min: 2000, max: 100_000 },
  oneWayBlocks: 5,
  oneWayMessages: 100_000,
  oneWaySeconds: 1.5,
  sizes: "4,64,256,1024,4096,16384,65536,262144,1048576",
  sweepBlocks: 3,
  sweepBlockMs: 12,
  handovers: 5,
  counted: { pairs: 3, longMs: 12 },
  goalRounds: 12,
};

/** As little as shows that everything works. */
export const quick: Effort = {
  roundTripBlocks: 2,
  nativeRoundTrips: 400,
  scriptRoundTrips: { seconds: 0.02, min: 100, max: 1000 },
  oneWayBlocks: 2,
  oneWayMessages: 1000,
  oneWaySeconds: 0.04,
  sizes: "4,4096,1048576",
  sweepBlocks: 1,
  sweepBlockMs: 1,
  handovers: 1,
  counted: { pairs: 1, longMs: 4 },
  goalRounds: 1,
};

/** The same for less time; a native mechanism makes as many round trips as ever. */
export function shorten(effort: Effort, factor: number): Effort {
  const { scriptRoundTrips, oneWaySeconds, sweepBlockMs, goalRounds } = effort;
  return {
    ...effort,
    scriptRoundTrips: { ...scriptRoundTrips, seconds: scriptRoundTrips.seconds * factor },
    oneWaySeconds: oneWaySeconds * factor,
    // In shorter blocks the wake-up at their beginning is all that there is to see.
    sweepBlockMs: sweepBlockMs * Math.max(factor, 0.5),
    goalRounds: Math.ceil(goalRounds * factor),
  };
}
