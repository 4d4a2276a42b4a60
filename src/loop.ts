import { setImmediate } from "node:timers";
import type { Library, Sleeper } from "../ffi/library.ts";
import { status } from "../ffi/table.ts";
import { ZerocrossError } from "./errors.ts";

/** What a task waits for; the numbers are those of `zc_waiter_watch`. */
export const interest = { news: 0, room: 1, connector: 2 } as const;
type Interest = (typeof interest)[keyof typeof interest];

/** Work on one handle that has to wait now and then. */
export interface Task {
  readonly handle: number;
  /** Microseconds for which the loop itself looks, once a turn, before the waiter does. */
  readonly spin: number;
  /** Whether there is anything left to wait for. */
  readonly isWaiting: boolean;
  /** Does what can be done now, in bounded time. False: that was nothing. Never throws. */
  advance(): boolean;
  /** Names what it waits for; `size` is that of the message that needs room. */
  watch(arm: (what: Interest, size: number) => void): void;
}

/** Milliseconds of a turn after which everything else on the event loop has its chance. */
const turnMax = 1;
/** Handles that are taken from the waiter at once. */
const reportsMax = 256;

/**
 * Waits for channels without blocking this thread's event loop. A task with traffic is looked at
 * once a turn of the loop; one without is handed to the waiter, a thread that sleeps for them all.
 */
export class Loop {
  readonly #library: Library;
  readonly #waiter: number;
  readonly #reports = new Uint32Array(reportsMax);
  /** The tasks that are looked at, in the order of their turns, and when each last got on (ms). */
  readonly #awake = new Map<Task, number>();
  /** The tasks that the waiter watches, by their handles. */
  readonly #asleep = new Map<number, Task>();
  #sleeper: Sleeper | undefined;
  #turnStart: number | undefined;
  #turnIsDue = false;

  constructor(library: Library) {
    this.#library = library;
    this.#waiter = checkedWaiter(library.calls.zc_waiter_open());
  }

  /** Takes turns with `task` until it waits for nothing. Also for one that waits for more than before. */
  start(task: Task): void {
    if (this.#awake.has(task)) return;
    this.#forget(task);
    if (task.spin > 0) this.#awaken(task);
    else this.#putToSleep(task);
  }

  /** Like `start`, for a task that has to be looked at once though nothing may come for it. */
  wake(task: Task): void {
    if (this.#awake.has(task)) return;
    this.#forget(task);
    this.#awaken(task);
  }

  /** For a task that waits for nothing any more before its turn has come. */
  stop(task: Task): void {
    this.#awake.delete(task);
    this.#forget(task);
  }

  /** Whether this turn has had its share of time. What goes on without waiting asks this first. */
  turnIsOver(): boolean {
    const now = performance.now();
    if (this.#turnStart === undefined) {
      this.#turnStart = now;
      this.#scheduleTurn();
    }
    return now - this.#turnStart > turnMax;
  }

  #isKnown(task: Task): boolean {
    return this.#awake.has(task) || this.#asleep.has(task.handle);
  }

  #forget(task: Task): void {
    if (!this.#asleep.delete(task.handle)) return;
    this.#library.calls.zc_waiter_unwatch(task.handle);
    if (this.#asleep.size === 0) this.#sleeper?.release();
  }

  #awaken(task: Task): void {
    this.#awake.set(task, performance.now());
    this.#scheduleTurn();
  }

  #putToSleep(task: Task): void {
    let isReady = false;
    task.watch((what, size) => {
      const code = this.#library.calls.zc_waiter_watch(this.#waiter, task.handle, what, size);
      if (code !== status.ok) isReady = true;
    });
    if (isReady) {
      this.#library.calls.zc_waiter_unwatch(task.handle);
      this.#awaken(task);
      return;
    }
    this.#asleep.set(task.handle, task);
    this.#sleeper ??= this.#library.startSleeper(this.#waiter, () => this.#takeReports());
    this.#sleeper.hold();
  }

  #takeReports(): void {
    const { calls } = this.#library;
    let count: number;
    do {
      count = calls.zc_waiter_take(this.#waiter, this.#reports, reportsMax);
      for (let i = 0; i < count; i++) {
        const task = this.#asleep.get(this.#reports[i] as number);
        if (task === undefined) continue;
        this.#forget(task);
        this.#awake.set(task, performance.now());
      }
    } while (count === reportsMax);
    if (this.#awake.size > 0) this.#takeTurn();
  }

  #scheduleTurn(): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    setImmediate(() => {
      this.#turnIsDue = false;
      this.#takeTurn();
    });
  }

  #takeTurn(): void {
    const start = performance.now();
    this.#turnStart = start;
    let left = this.#awake.size;
    for (const [task, since] of this.#awake) {
      this.#awake.delete(task);
      const hasAdvanced = task.advance();
      if (task.isWaiting && !this.#isKnown(task)) {
        // At the end of the line, so that each has its turn.
        if (hasAdvanced) this.#awake.set(task, performance.now());
        else if ((start - since) * 1000 < task.spin) this.#awake.set(task, since);
        else this.#putToSleep(task);
      }
      left -= 1;
      if (left === 0 || (hasAdvanced && performance.now() - start > turnMax)) break;
    }
    if (this.#awake.size > 0) this.#scheduleTurn();
    // What goes on in this turn shares its time; a turn that nobody shares ends here.
    else this.#turnStart = undefined;
  }
}

/** @throws {ZerocrossError} when the library has no more waiters to give. */
export function checkedWaiter(waiter: number): number {
  if (waiter >= 0) return waiter;
  throw new ZerocrossError(
    "ERR_ZEROCROSS_TOO_MANY",
    "waiting for channels: too many threads of this process do so already. End some workers, or close some FanIns.",
  );
}

let shared: Loop | undefined;

/** The loop of this thread. */
export function eventLoop(library: Library): Loop {
  shared ??= new Loop(library);
  return shared;
}
