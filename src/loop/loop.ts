import type { Library } from "../../ffi/library.ts";
import { looksWithin, now, setImmediate } from "./clock.ts";
import { Sleeper } from "./sleeper.ts";
import type { Task } from "./task.ts";

/** Milliseconds of a turn after which everything else on the event loop has its chance. */
const turnMax = 1;
/**
 * How many times its `spin` a task is looked at, when its last sleep was no longer than that. Two sides
 * whose wake-ups take longer than `spin` would otherwise have one for every message.
 */
const patience = 4;
/** Calls that go on without waiting in one turn, at most: more than fit into one by the clock. */
const callsPerTurn = 100_000;

interface Habit {
  /** Milliseconds for which the task is looked at without getting on. */
  lookMax: number;
  /** When it was last put to sleep (ms). */
  sleptAt: number;
  /** When it last got on (ms), and how often it was looked at since. */
  advancedAt: number;
  looks: number;
}

/**
 * Waits for channels without blocking this thread's event loop. A task with traffic is looked at
 * once a turn of the loop; one without is handed to a sleeper, whose thread sleeps for all of them.
 */
export class Loop {
  /** The tasks that are looked at, in the order of their turns. */
  readonly #awake = new Map<Task, Habit>();
  readonly #habits = new WeakMap<Task, Habit>();
  /** No wait of the kernel's takes both futex words and sockets, so there are two. */
  readonly #channels: Sleeper;
  readonly #listeners: Sleeper;
  readonly #library: Library;
  #turnStart: number | undefined;
  /** Calls that asked whether this turn is over. */
  #turnCalls = 0;
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
    const time = now();
    if (this.#turnStart === undefined) {
      this.#beginTurn(time);
      this.#scheduleTurn();
    }
    this.#turnCalls += 1;
    return time - (this.#turnStart as number) > turnMax || this.#turnCalls > callsPerTurn;
  }

  #sleeperOf(task: Task): Sleeper {
    return task.isListening ? this.#listeners : this.#channels;
  }

  #awaken(task: Task): void {
    this.#keepAwake(task, this.#habitOf(task), now());
    this.#scheduleTurn();
  }

  #keepAwake(task: Task, habit: Habit, time: number): void {
    habit.advancedAt = time;
    habit.looks = 0;
    this.#awake.set(task, habit);
  }

  #putToSleep(task: Task): void {
    try {
      if (this.#sleeperOf(task).watch(task)) this.#habitOf(task).sleptAt = now();
      else this.#awaken(task);
    } catch (error) {
      task.fail(error);
    }
  }

  #advance(task: Task): boolean {
    try {
      return task.advance();
    } catch (error) {
      task.fail(error);
      return true;
    }
  }

  #onWake(tasks: Task[]): void {
    const time = now();
    for (const task of tasks) {
      const habit = this.#habitOf(task);
      const lookMax = task.spin / 1000;
      habit.lookMax = time - habit.sleptAt < patience * lookMax ? patience * lookMax : lookMax;
      this.#keepAwake(task, habit, time);
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
    const time = now();
    if (time - this.#socketsAt < turnMax) return false;
    this.#socketsAt = time;
    return true;
  }

  #beginTurn(start: number): void {
    this.#turnStart = start;
    this.#turnCalls = 0;
  }

  #takeTurn(): void {
    const start = now();
    this.#beginTurn(start);
    let isIdle = true;
    let left = this.#awake.size;
    for (const [task, habit] of this.#awake) {
      this.#awake.delete(task);
      const hasAdvanced = this.#advance(task);
      if (hasAdvanced) isIdle = false;
      if (task.isWaiting && !this.#isKnown(task)) {
        // At the end of the line, so that each has its turn.
        if (hasAdvanced) this.#keepAwake(task, habit, now());
        else if (isLookedAtAgain(habit, start)) this.#awake.set(task, habit);
        else this.#putToSleep(task);
      }
      left -= 1;
      if (left === 0 || (hasAdvanced && now() - start > turnMax)) break;
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
      habit = { lookMax: task.spin / 1000, sleptAt: -Infinity, advancedAt: 0, looks: 0 };
      this.#habits.set(task, habit);
    }
    return habit;
  }

  #isKnown(task: Task): boolean {
    return this.#awake.has(task) || this.#sleeperOf(task).has(task);
  }
}

function isLookedAtAgain(habit: Habit, time: number): boolean {
  habit.looks += 1;
  const isInTime = time - habit.advancedAt < habit.lookMax;
  return isInTime && habit.looks < looksWithin(1000 * habit.lookMax);
}

let shared: Loop | undefined;

/** The loop of this thread. */
export function eventLoop(library: Library): Loop {
  shared ??= new Loop(library);
  return shared;
}
