import type { Library, WaiterThread } from "../../ffi/library.ts";
import { status } from "../../ffi/table.ts";
import { SystemError, ZerocrossError } from "../errors.ts";
import type { Task } from "./task.ts";

/** Handles that are taken from the native waiter at once. */
const reportsMax = 256;

interface Waiter {
  readonly number: number;
  readonly thread: WaiterThread;
}

/** The tasks that have nothing to do, and the thread that sleeps for them. */
export class Sleeper {
  readonly #library: Library;
  readonly #onWake: (tasks: Task[]) => void;
  readonly #asleep = new Map<number, Task>();
  readonly #reports = new Uint32Array(reportsMax);
  /** Set with the first task. While none is asleep, another thread may come to have the number. */
  #waiter: Waiter | undefined;

  /** `onWake` is called with tasks that have something to do, and that are not watched any more. */
  constructor(library: Library, onWake: (tasks: Task[]) => void) {
    this.#library = library;
    this.#onWake = onWake;
  }

  has(task: Task): boolean {
    return this.#asleep.has(task.handle);
  }

  /**
   * False: it has something to do already.
   *
   * @throws {ZerocrossError} when nothing can sleep for it.
   */
  watch(task: Task): boolean {
    this.#waiter ??= this.#open();
    let isArmed = this.#arm(this.#waiter, task);
    while (!isArmed && !isOpenWaiter(this.#library, this.#waiter.number)) {
      this.#waiter = this.#open();
      isArmed = this.#arm(this.#waiter, task);
    }
    if (!isArmed) {
      this.#library.calls.zc_waiter_unwatch(task.handle);
      return false;
    }
    this.#asleep.set(task.handle, task);
    this.#waiter.thread.hold();
    return true;
  }

  forget(task: Task): void {
    if (!this.#asleep.delete(task.handle)) return;
    this.#library.calls.zc_waiter_unwatch(task.handle);
    if (this.#asleep.size === 0) this.#waiter?.thread.release();
  }

  #open(): Waiter {
    const number = openWaiter(this.#library);
    try {
      const thread = this.#library.startWaiterThread(number, {
        onReports: () => this.#takeReports(number),
        onFailure: (error) => this.#onFailure(number, error),
      });
      return { number, thread };
    } catch (error) {
      this.#library.calls.zc_waiter_close(number);
      throw error;
    }
  }

  #arm({ number }: Waiter, task: Task): boolean {
    const { calls } = this.#library;
    let isReady = false;
    task.watch((what, size) => {
      if (calls.zc_waiter_watch(number, task.handle, what, size) !== status.ok) isReady = true;
    });
    return !isReady;
  }

  #takeReports(number: number): void {
    const tasks: Task[] = [];
    let count: number;
    do {
      count = this.#library.calls.zc_waiter_take(number, this.#reports, reportsMax);
      for (let i = 0; i < count; i++) {
        const task = this.#asleep.get(this.#reports[i] as number);
        if (task === undefined) continue;
        this.forget(task);
        tasks.push(task);
      }
    } while (count === reportsMax);
    this.#onWake(tasks);
  }

  /** Nobody sleeps: whatever waits would do so for ever. The next task has another thread started. */
  #onFailure(number: number, cause: Error): void {
    if (this.#waiter?.number !== number) return;
    const tasks = [...this.#asleep.values()];
    for (const task of tasks) this.forget(task);
    this.#waiter = undefined;
    this.#library.calls.zc_waiter_close(number);
    const error = new SystemError(`waiting for channels: ${cause.message}`, "", "", { cause });
    for (const task of tasks) task.fail(error);
  }
}

/** @throws {ZerocrossError} when the library has no more to give. */
export function openWaiter(library: Library): number {
  const waiter = library.calls.zc_waiter_open();
  if (waiter >= 0) return waiter;
  throw new ZerocrossError(
    "ERR_ZEROCROSS_TOO_MANY",
    "waiting for channels: too many threads of this process do so already. End some workers, or close some FanIns.",
  );
}

/** False: another thread has taken it over, which it may while nothing is armed on it. */
export function isOpenWaiter(library: Library, number: number): boolean {
  return library.calls.zc_waiter_take(number, new Uint32Array(0), 0) !== status.handleClosed;
}
