// The match: every transport plays in turns with the others, so that whatever else the machine does
// meets all of them.

import type { Producer } from "zerocross";
import { play, type Transport } from "./ping-pong.ts";

export interface Turns {
  readonly turns: number;
  /** Round trips in a turn, for each transport. */
  readonly rounds: readonly number[];
  /** The time after which no further turn begins, for machines that are busy. */
  readonly seconds: number;
}

/**
 * Most blocks take a few milliseconds. But a spinning player that another program keeps from its core
 * is waited for in vain, which is not to hold up the whole demo.
 */
const blockMilliseconds = 500;

/** In the first few round trips of a block, the players are only just getting there. */
const warmUpRounds = 20;

export class Match {
  readonly #ping: Producer;
  readonly #transports: readonly Transport[];

  /** `ping` is the channel that tells the other side what is played next. */
  constructor(ping: Producer, transports: readonly Transport[]) {
    this.#ping = ping;
    this.#transports = transports;
  }

  /** The nanoseconds of every round trip but the last, of which there may be fewer than `rounds`. */
  playBlock(index: number, rounds: number): Float64Array {
    const transport = this.#transports[index];
    if (transport === undefined) throw new RangeError(`there is no transport ${index}`);
    this.#ping.sendSync(Uint8Array.of(index));
    return play(transport, rounds, blockMilliseconds);
  }

  /** Yields after each block, to show progress, and returns the times of each transport. */
  *playTurns({ turns, rounds, seconds }: Turns): Generator<void, number[][]> {
    const all: number[][] = rounds.map(() => []);
    const deadline = performance.now() + seconds * 1000;
    // Before the first turn that counts, a long one in which both runtimes compile the code.
    for (let turn = -1; turn < turns && (turn < 1 || performance.now() < deadline); turn++) {
      for (const [index, count] of rounds.entries()) {
        const times = this.playBlock(index, turn < 0 ? 10 * count : warmUpRounds + count);
        if (turn >= 0) for (const time of times.subarray(warmUpRounds)) all[index]?.push(time);
        yield;
      }
    }
    return all;
  }
}

/** The values that the given shares of all values do not exceed, by nearest rank; share 1 is the maximum. */
export function percentiles(values: Iterable<number>, shares: readonly number[]): number[] {
  const sorted = Float64Array.from(values).sort();
  return shares.map((share) => sorted[Math.ceil(share * sorted.length) - 1] ?? NaN);
}

/** How far apart readings of the clock are, in nanoseconds, that follow each other at once. */
export function measureClock(): { least: number; median: number } {
  const gaps = new Float64Array(100_000);
  let last = performance.now();
  for (let i = 0; i < gaps.length; i++) {
    const now = performance.now();
    gaps[i] = (now - last) * 1e6;
    last = now;
  }
  const [least = 0, median = 0] = percentiles(gaps, [0.001, 0.5]);
  return { least, median };
}
