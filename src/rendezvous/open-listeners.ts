import type { Library } from "../../ffi/library.ts";

/** The handles that listen in this thread, each with its library. */
const listeners = new Map<number, Library>();
let isArmed = false;

/** From now on `handle` listens: when this thread's program exits, its socket file is removed. */
export function addListener(library: Library, handle: number): void {
  listeners.set(handle, library);
  // One handler does for all listeners, and stays: it does nothing when there is none.
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
