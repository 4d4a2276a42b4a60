import type { Library } from "./library.ts";
import { symbols } from "./table.ts";

export function openInDeno(path: string): Library {
  const calls = Deno.dlopen(path, symbols).symbols;
  const collected = new FinalizationRegistry((view: number) => calls.zc_view_drop(view));

  return {
    calls: calls as Library["calls"],
    bufferAt(address, size, view) {
      const pointer = Deno.UnsafePointer.create(BigInt(address));
      if (pointer === null) throw new Error("the mapping has no address");
      const buffer = Deno.UnsafePointerView.getArrayBuffer(pointer, size);
      collected.register(buffer, view, buffer);
      return buffer;
    },
    buffersChannelClosed(buffer) {
      // A buffer that was transferred lives on under another object that nobody here can watch: its
      // addresses (private zero pages by now) stay taken for good, so that no view ever faults.
      if (buffer.detached) collected.unregister(buffer);
    },
  };
}
