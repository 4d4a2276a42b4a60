import type { CheckedWaiting } from "../options.ts";
import { clearTimeout, setTimeout } from "./clock.ts";

/** Milliseconds that a timer holds; what lies beyond, 24 days, is no limit. */
const timerMax = 2 ** 31 - 1;

/**
 * Calls `end` when the time is up, or with the signal's reason when that is aborted. Returns what
 * calls it off; `undefined` when there is nothing to call off.
 */
export function startTimer(
  { timeout, signal }: CheckedWaiting,
  end: (reason?: unknown) => void,
): (() => void) | undefined {
  const hasLimit = timeout <= timerMax;
  if (!hasLimit && signal === undefined) return undefined;
  const abort = () => end(signal?.reason);
  const timer = hasLimit ? setTimeout(() => end(), Math.ceil(timeout)) : undefined;
  signal?.addEventListener("abort", abort);
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  };
}
