/** Pins the calling thread to a core, so that a runtime's other threads stay free to go elsewhere. */
export function pinThread(core: number): boolean {
  const cores = new Uint8Array(128);
  cores[core >> 3] = 1 << (core & 7);
  const here = 0;
  return schedSetaffinity()(here, BigInt(cores.length), cores) === 0;
}

type SchedSetaffinity = (thread: number, size: bigint, cores: Uint8Array) => number;

const libc = "libc.so.6";

function schedSetaffinity(): SchedSetaffinity {
  if ("Bun" in globalThis) {
    const { dlopen } = process.getBuiltinModule(
      "bun:ffi" as string,
    ) as unknown as typeof import("bun:ffi");
    const { symbols } = dlopen(libc, {
      sched_setaffinity: { args: ["i32", "u64", "buffer"], returns: "i32" },
    });
    return symbols.sched_setaffinity as SchedSetaffinity;
  }
  const { symbols } = Deno.dlopen(libc, {
    sched_setaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  });
  return symbols.sched_setaffinity as SchedSetaffinity;
}
