/** libc under Bun. Only integers cross, so that nothing here depends on how Bun passes buffers. */
import { dlopen, type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import type { ForeignFunctions, Signatures } from "./libc.ts";

export function openLibrary(name: string, signatures: Signatures): ForeignFunctions {
  return dlopen(name, signatures).symbols as ForeignFunctions;
}

/** Only for large buffers: Bun keeps small ones inside objects that its collector moves. */
export function addressOf(buffer: Uint8Array): number {
  return ptr(buffer);
}

export function memoryAt(address: number, length: number): ArrayBuffer {
  return toArrayBuffer(address as Pointer, 0, length);
}
