import type { Library, WaiterThread } from "../../ffi/library.ts";
import { status } from "../../ffi/table.ts";
import { ZerocrossError } from "../errors.ts";
import type { Task } from "./task.ts";

/** Handles that are taken from the native waiter at once. */
const reportsMax = 256;

/** The tasks that have nothing to do, and the thread that sleeps for them. */
export class Sleeper {
  readonly #library: Library;
  readonly #onWake: (tasks: Task[]) => void;
  readonly #asleep = new Map<number, Task>();
  readonly #reports = new Uint32Array(reportsMax);
  /** Set with the first task. */
  #number: number | undefined;
  #thread: WaiterThread | undefined;

  /** `onWake` is called with tasks that have something to do, and that are not watched any more. */
  constructor(library: Library, onWake: (tasks: Task[]) => void) {
    this.#library = library;
    this.#onWake = onWake;
  }

  has(task: Task): boolean {
    return this.#asleep.has(task.handle);
  }

  /** False: it has something to do already. */
  watch(task: Task): boolean {
    const { calls } = this.#library;
    this.#number ??= openWaiter(this.#library);
    const number = this.#number;
    let isReady = false;
    task.watch((what, size) => {
      if (calls.zc_waiter_watch(number, task.handle, what, size) !== status.ok) isReady = true;
    });
    if (isReady) {
      calls.zc_waiter_unwatch(task.handle);
      return false;
    }
    this.#asleep.set(task.handle, task);
    this.#thread ??= this.#library.startWaiterThread(number, () => this.#takeReports(number));
    this.#thread.hold();
    return true;
  }

  forget(task: Task): void {
    if (!this.#asleep.delete(task.handle)) return;
    this.#library.calls.zc_waiter_unwatch(task.handle);
    if (this.#asleep.size === 0) this.#thread?.release();
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
