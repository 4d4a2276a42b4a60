import { clearTimeout, now, setImmediate, setTimeout } from "../loop/clock.ts";

/** Turns of the event loop before the first pause: most of what is waited for happens within them. */
const turnsMax = 50;
/** Milliseconds. */
const pauseMin = 1;
const pauseMax = 10;

/** Nobody wakes who sleeps on it. */
const silent = new Int32Array(new SharedArrayBuffer(4));

/** Pauses between attempts at something that nobody can be woken up for. */
export class Backoff {
  #turns = 0;
  #pause = pauseMin;
  #pausedAt: number | undefined;

  /**
   * Returns at once when `signal` is aborted meanwhile; `left` is what remains of the caller's time,
   * in milliseconds.
   */
  async pause(left: number, signal: AbortSignal | undefined): Promise<void> {
    const time = now();
    // No time goes by under the fake timers of a test, and no timer would ever end.
    const standsStill = time === this.#pausedAt;
    this.#pausedAt = time;
    if (this.#turns < turnsMax || standsStill) {
      this.#turns += 1;
      if (this.#turns > turnsMax) Atomics.wait(silent, 0, 0, pauseMin);
      await new Promise<void>((resolve) => setImmediate(() => resolve()));
      return;
    }
    await sleep(Math.min(this.#pause, left), signal);
    this.#pause = Math.min(2 * this.#pause, pauseMax);
  }
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
  });
}
