/** What the measurements ask of the C library: a core, and what was used. */
interface Libc {
  sched_setaffinity(thread: number, size: bigint, cores: Uint8Array): number;
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
      getrusage: { args: ["i32", "buffer"], returns: "i32" },
    });
    return symbols as unknown as Libc;
  }
  const { symbols } = Deno.dlopen(file, {
    sched_setaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
    getrusage: { parameters: ["i32", "buffer"], result: "i32" },
  });
  return symbols as unknown as Libc;
}

const libc = open();

/** Pins the calling thread to a core, so that a runtime's other threads stay free to go elsewhere. */
export function pinThread(core: number): boolean {
  const cores = new Uint8Array(128);
  cores[core >> 3] = 1 << (core & 7);
  const here = 0;
  return libc.sched_setaffinity(here, BigInt(cores.length), cores) === 0;
}

/** What a process has used, or two of them. */
export interface Usage {
  readonly cpuNs: number;
  /** Context switches. */
  readonly voluntary: number;
  readonly involuntary: number;
}

export const nothingUsed: Usage = { cpuNs: 0, voluntary: 0, involuntary: 0 };

const thisProcess = 0;
/** struct rusage, in words: user time and system time in seconds and microseconds come first. */
const words = new BigInt64Array(18);
const at = { voluntary: 16, involuntary: 17 } as const;

/** Of all threads of this process, since it started. */
export function usageNow(): Usage {
  libc.getrusage(thisProcess, words);
  const word = (index: number) => Number(words[index]);
  return {
    cpuNs: (word(0) + word(2)) * 1e9 + (word(1) + word(3)) * 1e3,
    voluntary: word(at.voluntary),
    involuntary: word(at.involuntary),
  };
}

export function addUsage(one: Usage, other: Usage, sign: 1 | -1 = 1): Usage {
  return {
    cpuNs: one.cpuNs + sign * other.cpuNs,
    voluntary: one.voluntary + sign * other.voluntary,
    involuntary: one.involuntary + sign * other.involuntary,
  };
}

export function usageSince(before: Usage): Usage {
  return addUsage(usageNow(), before, -1);
}
