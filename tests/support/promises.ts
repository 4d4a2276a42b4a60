/** What a test wants to know of a promise, of the event loop, and of a signal. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

/** What `promise` settles to. Fails when it does not within `milliseconds`, instead of hanging. */
export async function within<Value>(promise: Promise<Value>, milliseconds = 5000): Promise<Value> {
  const abort = new AbortController();
  const late = delay(milliseconds, undefined, { signal: abort.signal }).then(
    () => assert.fail(`it was not settled after ${milliseconds} ms`),
    () => assert.fail("the test is over"),
  );
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    abort.abort();
  }
}

/** What `promise` rejects with, within `milliseconds`. */
export async function rejection(promise: Promise<unknown>, milliseconds = 5000): Promise<unknown> {
  try {
    await within(promise, milliseconds);
  } catch (error) {
    return error;
  }
  return assert.fail("it did not reject");
}

/** Whether `promise` is unsettled after `milliseconds`, in which the event loop goes round. */
export async function isPending(promise: Promise<unknown>, milliseconds = 15): Promise<boolean> {
  const pending = Symbol("pending");
  const winner = await Promise.race([promise.catch(() => {}), delay(milliseconds, pending)]);
  return winner === pending;
}

/** Asserts that `promise` rejects as a timeout does: not before `timeout`, and not much later. */
export async function assertTimesOut(
  call: (timeout: number) => Promise<unknown>,
  timeout: number,
  lateness = 1000,
): Promise<void> {
  const begun = performance.now();
  const error = await rejection(call(timeout), timeout + lateness);
  const waited = performance.now() - begun;
  assert.ok(error instanceof DOMException, String(error));
  assert.equal(error.name, "TimeoutError");
  assert.ok(waited >= timeout, `${waited} ms instead of ${timeout}`);
}

/** A controller whose signal knows how many listeners it has. */
export class CountingController extends AbortController {
  #count = 0;

  constructor() {
    super();
    const { signal } = this;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      this.#count += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      this.#count -= 1;
      remove(...args);
    };
  }

  get listeners(): number {
    return this.#count;
  }
}

export interface TimerWatch {
  ticks(): number;
  /** How late the tick was in milliseconds that was the latest but for so many; default: the latest. */
  stop(exceptions?: number): number;
}

/** Watches an interval of 10 ms, from this call to `stop`. */
export function watchTimers(): TimerWatch {
  const period = 10;
  const late: number[] = [];
  let last = performance.now();
  const tick = () => {
    const now = performance.now();
    late.push(now - last - period);
    last = now;
  };
  const timer = setInterval(tick, period);
  return {
    ticks: () => late.length,
    stop(exceptions = 0) {
      clearInterval(timer);
      tick();
      return late.sort((a, b) => b - a)[exceptions] ?? Infinity;
    },
  };
}

/** Blocks the event loop. */
export function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}
