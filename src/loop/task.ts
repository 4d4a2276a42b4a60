/** What a task waits for; the numbers are those of `zc_waiter_watch`. */
export const interest = { news: 0, room: 1, connector: 2, end: 3 } as const;
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
  /** Does what can be done now, in bounded time. False: that was nothing. Never throws. */
  advance(): boolean;
  /** Names what it waits for; `size` is that of the message that needs room. */
  watch(arm: (what: Interest, size: number) => void): void;
}
