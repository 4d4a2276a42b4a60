/** libc under Deno. Only integers cross, as under Bun. */
import type { ForeignFunctions, Signatures } from "./libc.ts";

/** The part of Deno's FFI that is used here, so that a checker without Deno's types is content. */
interface DenoFfi {
  dlopen(
    name: string,
    symbols: Record<string, { parameters: readonly string[]; result: string }>,
  ): { symbols: ForeignFunctions };
  UnsafePointer: {
    create(address: bigint): object | null;
    of(buffer: Uint8Array): object;
    value(pointer: object): bigint;
  };
  UnsafePointerView: { getArrayBuffer(pointer: object, length: number): ArrayBuffer };
}

const ffi = (globalThis as unknown as { Deno: DenoFfi }).Deno;

export function openLibrary(name: string, signatures: Signatures): ForeignFunctions {
  const symbols = Object.entries(signatures).map(([symbol, { args, returns }]) => [
    symbol,
    { parameters: args, result: returns },
  ]);
  return ffi.dlopen(name, Object.fromEntries(symbols)).symbols;
}

export function addressOf(buffer: Uint8Array): number {
  return Number(ffi.UnsafePointer.value(ffi.UnsafePointer.of(buffer)));
}

export function memoryAt(address: number, length: number): ArrayBuffer {
  const pointer = ffi.UnsafePointer.create(BigInt(address));
  if (pointer === null) throw new Error("no memory lies at address 0");
  return ffi.UnsafePointerView.getArrayBuffer(pointer, length);
}
