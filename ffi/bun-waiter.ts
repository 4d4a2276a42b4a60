/** The worker that sleeps for an event loop of Bun, which has no call off the loop. */
import { dlopen } from "bun:ffi";
import { status, symbols } from "./table.ts";

export interface WaiterOrder {
  /** Of the shared library, which this process has open already. */
  readonly path: string;
  readonly waiter: number;
}

/** Milliseconds. A worker can be terminated only between two native calls, so none sleeps longer. */
const sleepMax = 500;

declare const self: Worker & { close(): void };

self.onmessage = ({ data }: MessageEvent<WaiterOrder>) => {
  const { parameters, result } = symbols.zc_waiter_wait;
  const { zc_waiter_wait } = dlopen(data.path, {
    zc_waiter_wait: { args: [...parameters], returns: result },
  }).symbols;
  while (true) {
    const code = zc_waiter_wait(data.waiter, sleepMax) as number;
    if (code === status.handleClosed) return self.close();
    if (code > 0) self.postMessage(code);
  }
};
