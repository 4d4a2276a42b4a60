import type { Library, Opener, Sleeper } from "./library.ts";
import { status, symbols } from "./table.ts";

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
  const { zc_waiter_sleep, zc_later, ...calls } = Deno.dlopen(path, {
    ...symbols,
    zc_later: { ...symbols.zc_abi, name: "zc_abi", nonblocking: true },
    zc_waiter_sleep: { ...symbols.zc_waiter_wait, name: "zc_waiter_wait", nonblocking: true },
  }).symbols;
  const collected = new FinalizationRegistry((view: number) => calls.zc_view_drop(view));

  return {
    calls: calls as Library["calls"],
    // What is watched is the object; the storage leaves it when it is transferred.
    viewsOutlive: true,
    bufferAt(address, size, view) {
      const pointer = Deno.UnsafePointer.create(BigInt(address));
      if (pointer === null) throw new Error("the mapping has no address");
      const buffer = Deno.UnsafePointerView.getArrayBuffer(pointer, size);
      collected.register(buffer, view);
      return buffer;
    },
    // While one setImmediate follows another Deno looks at no socket, and for the end of a call off the
    // loop it has to.
    afterSockets(callback) {
      void zc_later().then(callback);
    },
    startSleeper(waiter, onReports) {
      return new CallSleeper(() => zc_waiter_sleep(waiter, Infinity), onReports);
    },
  };
}

/** A call off the event loop, which lasts until something is ready or nothing is watched any more. */
class CallSleeper implements Sleeper {
  readonly #sleep: () => Promise<number>;
  readonly #onReports: () => void;
  #isHeld = false;
  #isAsleep = false;

  constructor(sleep: () => Promise<number>, onReports: () => void) {
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
      const code = await this.#sleep();
      if (code === status.handleClosed) break;
      this.#onReports();
    }
    this.#isAsleep = false;
  }
}
