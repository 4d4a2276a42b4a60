import type { interest } from "../../ffi/table.ts";

/** What a task waits for. */
export type Interest = (typeof interest)[keyof typeof interest];

/** Work on one handle that has to wait now and then. */
export interface Task {
  readonly handle: number;
  /** What it waits for are connectors. */
  readonly isListening?: boolean;
  /** Microseconds for which the loop itself looks, once a turn, before the waiter does. */
  readonly spin: number;
  /** Whether there is anything left to wait for. */
  readonly isWaiting: boolean;
  /** Does what can be done now, in bounded time. False: that was nothing. */
  advance(): boolean;
  /** It cannot be waited for, or `advance` threw: whoever waits hears so. Never throws. */
  fail(error: unknown): void;
  /** Names what it waits for; `size` is that of the message that needs room. */
  watch(arm: (what: Interest, size: number) => void): void;
}
