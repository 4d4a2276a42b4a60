import { setImmediate } from "node:timers";
import type { Library } from "../../ffi/library.ts";
import { Sleeper } from "./sleeper.ts";
import type { Task } from "./task.ts";

/** Milliseconds of a turn after which everything else on the event loop has its chance. */
const turnMax = 1;
/**
 * How many times its `spin` a task is looked at, when its last sleep was no longer than that. Two sides
 * whose wake-ups take longer than `spin` would otherwise have one for every message.
 */
const patience = 4;

interface Habit {
  /** Milliseconds for which the task is looked at without getting on. */
  lookMax: number;
  /** When it was last put to sleep (ms). */
  sleptAt: number;
}

/**
 * Pending for channels without blocking this thread's event loop. A task with traffic is looked at
 * once a turn of the loop; one without is handed to a sleeper, whose thread sleeps for all of them.
 */
export class Loop {
  /** The tasks that are looked at, in the order of their turns, and when each last got on (ms). */
  readonly #awake = new Map<Task, number>();
  readonly #habits = new WeakMap<Task, Habit>();
  /** No wait of the kernel's takes both futex words and sockets, so there are two. */
  readonly #channels: Sleeper;
  readonly #listeners: Sleeper;
  readonly #library: Library;
  #turnStart: number | undefined;
  #turnIsDue = false;
  /** When the runtime was last made to look at sockets (ms). */
  #socketsAt = 0;

  constructor(library: Library) {
    this.#library = library;
    const onWake = (tasks: Task[]) => this.#onWake(tasks);
    this.#channels = new Sleeper(library, onWake);
    this.#listeners = new Sleeper(library, onWake);
  }

  /** Takes turns with `task` until it waits for nothing. Also for one that waits for more than before. */
  start(task: Task): void {
    if (this.#awake.has(task)) return;
    this.#sleeperOf(task).forget(task);
    if (task.spin > 0) this.#awaken(task);
    else this.#putToSleep(task);
  }

  /** Like `start`, for a task that has to be looked at once though nothing may come for it. */
  wake(task: Task): void {
    if (this.#awake.has(task)) return;
    this.#sleeperOf(task).forget(task);
    this.#awaken(task);
  }

  /** For a task that waits for nothing any more before its turn has come. */
  stop(task: Task): void {
    this.#awake.delete(task);
    this.#sleeperOf(task).forget(task);
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

  #sleeperOf(task: Task): Sleeper {
    return task.isListening ? this.#listeners : this.#channels;
  }

  #awaken(task: Task): void {
    this.#awake.set(task, performance.now());
    this.#scheduleTurn();
  }

  #putToSleep(task: Task): void {
    if (this.#sleeperOf(task).watch(task)) this.#habitOf(task).sleptAt = performance.now();
    else this.#awaken(task);
  }

  #onWake(tasks: Task[]): void {
    const now = performance.now();
    for (const task of tasks) {
      const habit = this.#habitOf(task);
      const lookMax = task.spin / 1000;
      habit.lookMax = now - habit.sleptAt < patience * lookMax ? patience * lookMax : lookMax;
      this.#awake.set(task, now);
    }
    // Many reports may come before the loop goes round: they must not make a turn of each.
    if (this.#awake.size > 0 && !this.#turnIsDue) this.#takeTurn();
  }

  #scheduleTurn(): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    const turn = () => {
      this.#turnIsDue = false;
      this.#takeTurn();
    };
    const { afterSockets } = this.#library;
    if (afterSockets !== undefined && this.#socketsAreDue()) afterSockets(turn);
    else setImmediate(turn);
  }

  #socketsAreDue(): boolean {
    const now = performance.now();
    if (now - this.#socketsAt < turnMax) return false;
    this.#socketsAt = now;
    return true;
  }

  #takeTurn(): void {
    const start = performance.now();
    this.#turnStart = start;
    let isIdle = true;
    let left = this.#awake.size;
    for (const [task, since] of this.#awake) {
      this.#awake.delete(task);
      const hasAdvanced = task.advance();
      if (hasAdvanced) isIdle = false;
      if (task.isWaiting && !this.#isKnown(task)) {
        // At the end of the line, so that each has its turn.
        if (hasAdvanced) this.#awake.set(task, performance.now());
        else if (start - since < this.#habitOf(task).lookMax) this.#awake.set(task, since);
        else this.#putToSleep(task);
      }
      left -= 1;
      if (left === 0 || (hasAdvanced && performance.now() - start > turnMax)) break;
    }
    if (this.#awake.size === 0) {
      // What goes on in this turn shares its time; a turn that nobody shares ends here.
      this.#turnStart = undefined;
      return;
    }
    // The other side may need this very core to have something for us.
    if (isIdle) this.#library.calls.zc_thread_yield();
    this.#scheduleTurn();
  }

  #habitOf(task: Task): Habit {
    let habit = this.#habits.get(task);
    if (habit === undefined) {
      habit = { lookMax: task.spin / 1000, sleptAt: -Infinity };
      this.#habits.set(task, habit);
    }
    return habit;
  }

  #isKnown(task: Task): boolean {
    return this.#awake.has(task) || this.#sleeperOf(task).has(task);
  }
}

let shared: Loop | undefined;

/** The loop of this thread. */
export function eventLoop(library: Library): Loop {
  shared ??= new Loop(library);
  return shared;
}
