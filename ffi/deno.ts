import { setImmediate } from "node:timers";
import type { Library, Opener, WaiterThread } from "./library.ts";
import { status, symbols } from "./table.ts";

/** Microseconds in which Deno gets from the end of a turn to its wait. */
const betweenTurns = 30;

export const denoOpener: Opener = {
  abi(path) {
    const { zc_abi } = symbols;
    const library = Deno.dlopen(path, { zc_abi });
    const abi = library.symbols.zc_abi();
    library.close();
    return abi;
  },
  open,
};

function open(path: string): Library {
  const { zc_waiter_sleep, zc_thread_sleep, ...calls } = Deno.dlopen(path, {
    ...symbols,
    zc_thread_sleep: { ...symbols.zc_thread_sleep, nonblocking: true },
    zc_waiter_sleep: { ...symbols.zc_waiter_wait, name: "zc_waiter_wait", nonblocking: true },
  }).symbols;
  const collected = new FinalizationRegistry((view: number) => calls.zc_view_drop(view));

  return {
    calls: calls as Library["calls"],
    // What is watched is the object; the storage leaves it when it is transferred.
    viewsOutlive: true,
    bufferAt(address, size, view) {
      // Null would be the address 0.
      const pointer = Deno.UnsafePointer.create(BigInt(address)) as Deno.PointerObject;
      const buffer = Deno.UnsafePointerView.getArrayBuffer(pointer, size);
      collected.register(buffer, view);
      return buffer;
    },
    // While one setImmediate follows another Deno looks at sockets once in 61 turns, and when it has
    // nothing else to do than to wait for a call off the loop. The call is made when this turn's promises
    // are done with, and lasts: one that is over before Deno waits for it is not waited for.
    afterSockets(callback) {
      setImmediate(() => void zc_thread_sleep(betweenTurns).then(callback));
    },
    startWaiterThread(waiter, { onReports }) {
      return new WaiterCall(() => zc_waiter_sleep(waiter, Infinity), onReports);
    },
  };
}

/** A call off the event loop, which lasts until something is ready or nothing is watched any more. */
class WaiterCall implements WaiterThread {
  readonly #sleep: () => Promise<unknown>;
  readonly #onReports: () => void;
  #isHeld = false;
  #isAsleep = false;

  constructor(sleep: () => Promise<unknown>, onReports: () => void) {
    this.#sleep = sleep;
    this.#onReports = onReports;
  }

  hold(): void {
    this.#isHeld = true;
    if (!this.#isAsleep) void this.#run();
  }

  release(): void {
    this.#isHeld = false;
  }

  async #run(): Promise<void> {
    this.#isAsleep = true;
    while (this.#isHeld) {
      if ((await this.#sleep()) === status.handleClosed) break;
      this.#onReports();
    }
    this.#isAsleep = false;
  }
}
