/**
 * The runtime's own clock and timers, whatever a program's tests put in their place. Only Bun's fake
 * timers reach beneath these too. So nothing that goes on until a time comes may rest on the clock alone.
 */
import { performance } from "node:perf_hooks";

export { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from "node:timers";

const read = performance.now;

/** Milliseconds since some moment. */
export function now(): number {
  return read.call(performance);
}

/** More looks than anybody takes in `duration` microseconds, unless the clock stands still. */
export function looksWithin(duration: number): number {
  return 1000 + 10 * duration;
}
