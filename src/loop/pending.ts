import type { Library } from "../../ffi/library.ts";
import { interest } from "../../ffi/table.ts";
import { type CheckedWaiting, checkWaiting } from "../options.ts";
import type { Waiting } from "../types.ts";
import { type InLine, Line } from "./line.ts";
import { eventLoop, type Loop } from "./loop.ts";
import type { Interest, Task } from "./task.ts";
import { startTimer } from "./timer.ts";

/** Who sees to it that `Pending.answer` is called when there may be something. */
export interface Watcher {
  /** A first call waits. */
  start(): void;
  /** None waits any more. */
  stop(): void;
}

interface Wait extends InLine<Wait> {
  /** Payload bytes that the call needs room for. */
  readonly size: number;
  /** True: it is settled now. */
  attempt(): boolean;
  fail(error: unknown): void;
}

/**
 * Asynchronous calls that wait for the same thing. First come, first served. What waits here is no more
 * than the program has promises of that it has not seen settled; nothing of a call stays behind it.
 */
export class Pending {
  readonly #loop: Loop;
  readonly #watcher: Watcher;
  readonly #waits = new Line<Wait>();

  constructor(loop: Loop, watcher: Watcher) {
    this.#loop = loop;
    this.#watcher = watcher;
  }

  get isEmpty(): boolean {
    return this.#waits.isEmpty;
  }

  /** Payload bytes that the first call needs room for. */
  get size(): number {
    return this.#waits.first?.size ?? 0;
  }

  /**
   * Resolves with what `attempt` returns as soon as that is not `undefined`. Nothing is lost when it
   * ends otherwise: an attempt is made only for a call that is still wanted.
   *
   * @throws {DOMException} `TimeoutError`, worded by `timedOut`, or the signal's reason.
   */
  async until<Value>(
    attempt: () => Value | undefined,
    waiting: Waiting | undefined,
    timedOut: () => Error,
    size = 0,
  ): Promise<Value> {
    const checked = checkWaiting(waiting);
    checked.signal?.throwIfAborted();
    if (this.isEmpty && !this.#loop.turnIsOver()) {
      const value = attempt();
      if (value !== undefined) return value;
    }
    return this.#wait(attempt, checked, timedOut, size);
  }

  /** Settles the first calls, up to `max` of them, as long as they can be. Returns how many. */
  answer(max: number): number {
    let count = 0;
    for (let wait = this.#waits.first; wait !== undefined; wait = this.#waits.first) {
      if (count === max || !wait.attempt()) break;
      this.#waits.remove(wait);
      count += 1;
    }
    if (count > 0 && this.isEmpty) this.#watcher.stop();
    return count;
  }

  /** Rejects whatever waits. */
  failAll(error: () => unknown): void {
    if (this.isEmpty) return;
    for (const wait of this.#waits.removeAll()) wait.fail(error());
    this.#watcher.stop();
  }

  #wait<Value>(
    attempt: () => Value | undefined,
    waiting: CheckedWaiting,
    timedOut: () => Error,
    size: number,
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      const wait: Wait = {
        ahead: undefined,
        behind: undefined,
        size,
        attempt: () => {
          try {
            const value = attempt();
            if (value === undefined) return false;
            release?.();
            resolve(value);
          } catch (error) {
            wait.fail(error);
          }
          return true;
        },
        fail: (error) => {
          release?.();
          reject(error);
        },
      };
      const release = startTimer(waiting, (reason) => {
        // What has come when the time is up is still in time.
        const isInTime = reason === undefined && this.#waits.first === wait && wait.attempt();
        this.#leave(wait);
        if (!isInTime) wait.fail(reason === undefined ? timedOut() : reason);
      });
      this.#waits.push(wait);
      if (this.#waits.first === wait) this.#watcher.start();
    });
  }

  #leave(wait: Wait): void {
    const wasFirst = this.#waits.first === wait;
    this.#waits.remove(wait);
    if (!wasFirst) return;
    this.#watcher.stop();
    // The next one may need less room, which is to be watched for anew.
    if (!this.isEmpty) this.#watcher.start();
  }
}

/** Calls that are answered in one turn of the event loop, at most. */
const answersPerTurn = 64;

/** Whose calls wait. */
export interface End {
  readonly library: Library;
  readonly handle: number;
  /** Microseconds of looking before sleeping. */
  readonly spin: number;
}

/** The calls that wait for one thing on one handle. */
export function pendingOf(end: End, what: Interest): Pending {
  const loop = eventLoop(end.library);
  const waits: Pending = new Pending(loop, {
    start: () => loop.start(task),
    stop: () => loop.stop(task),
  });
  const task: Task = {
    handle: end.handle,
    spin: end.spin,
    isListening: what === interest.connector,
    get isWaiting() {
      return !waits.isEmpty;
    },
    advance: () => waits.answer(answersPerTurn) > 0,
    fail: (error) => waits.failAll(() => error),
    watch: (arm) => arm(what, waits.size),
  };
  return waits;
}
