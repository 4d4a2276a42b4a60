import { setImmediate } from "node:timers";
import type { Library, Opener, WaiterThread } from "./library.ts";
import { status, symbols } from "./table.ts";

/** Microseconds: more than Deno takes from the end of a turn until it waits for events. */
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
    // The registry watches the ArrayBuffer object, but a transfer moves the storage to a new one.
    viewsOutlive: true,
    bufferAt(address, size, view) {
      // Sound: only the address 0 gives null.
      const pointer = Deno.UnsafePointer.create(BigInt(address)) as Deno.PointerObject;
      const buffer = Deno.UnsafePointerView.getArrayBuffer(pointer, size);
      collected.register(buffer, view);
      return buffer;
    },
    // While one setImmediate follows another, Deno looks at sockets only once in 61 turns. It also does
    // so when it has nothing to do but to wait for a call off the loop, so such a call is made here. The
    // call starts after this turn's promises and lasts until Deno waits: if it ended before that, Deno
    // would go on without a wait.
    afterSockets(callback) {
      setImmediate(() => void zc_thread_sleep(betweenTurns).then(callback));
    },
    // The process's own event comes before this one, but not after Deno.exit.
    atExit: (callback) => globalThis.addEventListener("unload", callback),
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
