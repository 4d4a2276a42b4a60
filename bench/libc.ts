/** What the measurements ask of the C library: a core, a clock that all processes share, what was used. */
interface Libc {
  sched_setaffinity(thread: number, size: bigint, cores: Uint8Array): number;
  clock_gettime(clock: number, time: BigInt64Array): number;
  getrusage(who: number, usage: BigInt64Array): number;
}

const file = "libc.so.6";

function open(): Libc {
  if ("Bun" in globalThis) {
    const { dlopen } = process.getBuiltinModule(
      "bun:ffi" as string,
    ) as unknown as typeof import("bun:ffi");
    const { symbols } = dlopen(file, {
      sched_setaffinity: { args: ["i32", "u64", "buffer"], returns: "i32" },
      clock_gettime: { args: ["i32", "buffer"], returns: "i32" },
      getrusage: { args: ["i32", "buffer"], returns: "i32" },
    });
    return symbols as unknown as Libc;
  }
  const { symbols } = Deno.dlopen(file, {
    sched_setaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
    clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
    getrusage: { parameters: ["i32", "buffer"], result: "i32" },
  });
  return symbols as unknown as Libc;
}

let opened: Libc | undefined;

export function libc(): Libc {
  opened ??= open();
  return opened;
}
