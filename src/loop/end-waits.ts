import type { Library } from "../../ffi/library.ts";
import { eventLoop } from "./loop.ts";
import { type Interest, interest, type Task } from "./task.ts";
import { Waits } from "./pending.ts";

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
export function endWaits(end: End, what: Interest): Waits {
  const loop = eventLoop(end.library);
  const waits: Waits = new Waits(loop, {
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
    watch: (arm) => arm(what, waits.size),
  };
  return waits;
}
