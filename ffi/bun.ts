import type * as BunFfi from "bun:ffi";
import type { WaiterOrder } from "./bun-waiter.ts";
import type { Calls, Library, Opener } from "./library.ts";
import { symbols } from "./table.ts";

/** `toArrayBuffer` of bun:ffi takes a deallocator too, which its published type leaves out. */
type ToArrayBuffer = (
  address: number,
  offset: number,
  size: number,
  deallocatorContext: number,
  deallocator: number,
) => ArrayBuffer;

/** What Bun's workers have and the common type of `Worker` does not. */
type BunWorker = Worker & { ref(): void; unref(): void };
type StartWorker = new (url: URL, options: { smol: boolean; name: string }) => BunWorker;

type Declarations = Record<string, BunFfi.FFIFunction>;

export const bunOpener: Opener = {
  abi(path) {
    const { zc_abi } = declarations();
    const library = ffi().dlopen(path, { zc_abi } as Declarations);
    const abi = (library.symbols as unknown as Calls).zc_abi();
    library.close();
    return abi;
  },
  open,
};

// Not a static import: the other runtimes must be able to load this file.
function ffi(): typeof BunFfi {
  return process.getBuiltinModule("bun:ffi" as string) as unknown as typeof BunFfi;
}

function open(path: string): Library {
  // Sound: the declarations come from the table that `Calls` is derived from.
  const calls = ffi().dlopen(path, declarations()).symbols as unknown as Calls;
  const deallocator = calls.zc_view_deallocator();
  const toArrayBuffer = ffi().toArrayBuffer as unknown as ToArrayBuffer;

  return {
    calls,
    viewsOutlive: false,
    bufferAt(address, size, view) {
      // JavaScriptCore calls the deallocator with `view` when it frees the buffer's storage, which
      // follows the buffer even when it is transferred.
      return toArrayBuffer(address, 0, size, view, deallocator);
    },
    atExit: (callback) => void process.on("exit", callback),
    startWaiterThread(waiter, { onReports, onFailure }) {
      const StartedWorker = Worker as unknown as StartWorker;
      const worker = new StartedWorker(waiterUrl(), { smol: true, name: "zerocross waiter" });
      worker.unref();
      worker.onmessage = onReports;
      // Without this error whatever waits would wait for ever, and nobody would know why.
      worker.onerror = (event) => {
        event.preventDefault();
        onFailure(
          new Error(
            `zerocross could not start the worker that waits for its channels: ${event.message}. ` +
              `Keep ${waiterUrl()} beside the rest of the package: a bundler may have left it out.`,
          ),
        );
      };
      worker.postMessage({ path, waiter } satisfies WaiterOrder);
      return { hold: () => worker.ref(), release: () => worker.unref() };
    },
  };
}

/** The worker's file lies beside this one, and in the package beside the bundle. */
function waiterUrl(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./bun-waiter.${extension}`, import.meta.url);
}

function declarations(): Declarations {
  const entries = Object.entries(symbols).map(([name, { parameters, result }]) => {
    return [name, { args: parameters, returns: result }] as const;
  });
  return Object.fromEntries(entries) as Declarations;
}
