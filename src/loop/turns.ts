import type { Calls, Library } from "../../ffi/library.ts";
import { status } from "../../ffi/table.ts";
import { setImmediate, setTimeout } from "./clock.ts";

/** Milliseconds between two slices of what nobody waits for. */
const pause = 1;

let isLettingGo = false;

/** Resolves in a later turn of the event loop, before which sockets were looked at too. */
export function nextTurn({ afterSockets }: Library): Promise<void> {
  return new Promise((resolve) => {
    if (afterSockets !== undefined) afterSockets(resolve);
    else setImmediate(resolve);
  });
}

/** Closes a native handle. Memory that takes its time goes in later turns. */
export function closeHandle(calls: Calls, handle: number): void {
  if (calls.zc_endpoint_close(handle) === 1) letMemoryGo(calls);
}

/** Gives memory of what is over back to the kernel, slice by slice. A process that ends does not wait for it. */
export function letMemoryGo(calls: Calls): void {
  if (isLettingGo) return;
  isLettingGo = true;
  const timer = setTimeout(() => {
    isLettingGo = false;
    if (calls.zc_memory_let_go() === status.again) letMemoryGo(calls);
  }, pause);
  timer.unref();
}
