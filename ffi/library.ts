import type { symbols } from "./table.ts";

type Native = {
  readonly u32: number;
  readonly i32: number;
  readonly f64: number;
  readonly buffer: ArrayBufferView;
  readonly void: undefined;
};

type Parameters<Names extends readonly (keyof Native)[]> = {
  -readonly [Index in keyof Names]: Native[Names[Index]];
};

/** The calls of the native library, typed by the table that was printed from its source. */
export type Calls = {
  readonly [Name in keyof typeof symbols]: (
    ...args: Parameters<(typeof symbols)[Name]["parameters"]>
  ) => Native[(typeof symbols)[Name]["result"]];
};

/** How a runtime opens the shared library. */
export interface Opener {
  /** The library's ABI number, read before anything else of it is relied on. */
  abi(path: string): number;
  open(path: string): Library;
}

/** What a runtime makes of the shared library. One file per runtime implements it. */
export interface Library {
  readonly calls: Calls;

  /** Whether memory may still be seen, through a buffer that was transferred, once `view` is dropped. */
  readonly viewsOutlive: boolean;

  /**
   * An ArrayBuffer over native memory. When it was collected, `view` is dropped.
   *
   * @throws when the runtime's permissions forbid raw views.
   */
  bufferAt(address: number, size: number, view: number): ArrayBuffer;

  /**
   * Calls back in a later turn of the event loop, and has the runtime look at its sockets before that.
   * Absent where a runtime does so before every turn anyway.
   */
  readonly afterSockets?: (callback: () => void) => void;

  /**
   * Has `callback` called when the program of this thread exits, as far as the runtime says so: not
   * after a signal that nobody handles, and in Deno not after an uncaught error.
   */
  atExit(callback: () => void): void;

  /** Gives `waiter` a thread that sleeps in `zc_waiter_wait`, until the waiter is closed. */
  startWaiterThread(waiter: number, events: WaiterEvents): WaiterThread;
}

/** What is heard of a thread that sleeps, on the thread that it sleeps for. */
export interface WaiterEvents {
  /** There is something to take. */
  onReports(): void;
  /** It does not sleep, and never will. */
  onFailure(error: Error): void;
}

/** The thread that sleeps for an event loop. */
export interface WaiterThread {
  /** Something is watched: the process is kept alive, and `onReports` will be called. */
  hold(): void;
  /** Nothing is watched any more, and the process may end. */
  release(): void;
}
