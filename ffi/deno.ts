import type { Library, Opener } from "./library.ts";
import { symbols } from "./table.ts";

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
  const calls = Deno.dlopen(path, symbols).symbols;
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
  };
}
