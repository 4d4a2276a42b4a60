import { setImmediate } from "node:timers/promises";

/** Turns of the event loop before the first pause: most of what is waited for happens within them. */
const turnsMax = 50;
/** Milliseconds. */
const pauseMin = 1;
const pauseMax = 10;

/** Pauses between attempts at something that nobody can be woken up for. */
export class Backoff {
  #turns = 0;
  #pause = pauseMin;

  /**
   * Returns at once when `signal` is aborted meanwhile; `left` is what remains of the caller's time,
   * in milliseconds.
   */
  async pause(left: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#turns < turnsMax) {
      this.#turns += 1;
      await setImmediate();
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
