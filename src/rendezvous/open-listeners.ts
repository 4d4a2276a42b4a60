import type { Library } from "../../ffi/library.ts";

/** Those of this thread, each with the library that it is of. */
const listeners = new Map<number, Library>();
let isArmed = false;

/** From now on `handle` listens: when this thread's program exits, its socket file is removed. */
export function addListener(library: Library, handle: number): void {
  listeners.set(handle, library);
  // Once, and never taken back: a handler for each listener would have to be.
  if (!isArmed) library.atExit(closeListeners);
  isArmed = true;
}

/** To be called when it was closed, or has become a channel. */
export function removeListener(handle: number): void {
  listeners.delete(handle);
}

function closeListeners(): void {
  for (const [handle, { calls }] of listeners) calls.zc_endpoint_close(handle);
  listeners.clear();
}
