/** Arms a step of the library with marks, as zig/os/mark.zig exports it beyond the table. */
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Mark } from "./order.ts";

const marked = new URL("../../zig-out/marked/", import.meta.url);
const libraryPath = fileURLToPath(new URL(`lib/linux-${process.arch}/libzerocross.so`, marked));

/** The package over that library. */
export async function markedPackage(): Promise<typeof import("../../src/index.ts")> {
  return await import(new URL("src/index.ts", marked).href);
}

/** The file without which nothing here works; `zig build chaos` makes it. */
export const markedLibrary = libraryPath;

type Arm = (name: Uint8Array, size: number, passFromNow: number, action: number) => number;

export async function arm({ step, pass, action }: Mark): Promise<void> {
  const name = new TextEncoder().encode(step);
  const code = (await armCall())(name, name.length, pass, action === "kill" ? 1 : 2);
  if (code < 0) throw new Error(`there is no step ${step}; zig/os/mark.zig has all`);
}

async function armCall(): Promise<Arm> {
  if ("Deno" in globalThis) {
    const { symbols } = Deno.dlopen(libraryPath, {
      zc_mark_arm: { parameters: ["buffer", "u32", "u32", "u32"], result: "i32" },
    });
    return (name, ...rest) => symbols.zc_mark_arm(name as Uint8Array<ArrayBuffer>, ...rest);
  }
  const { dlopen } = await import("bun:ffi");
  const { symbols } = dlopen(libraryPath, {
    zc_mark_arm: { args: ["buffer", "u32", "u32", "u32"], returns: "i32" },
  });
  return symbols.zc_mark_arm as unknown as Arm;
}
