import { libc } from "../../libc.ts";

/** What a process has used, or two of them. */
export interface Usage {
  readonly cpuNs: number;
  /** Context switches. */
  readonly voluntary: number;
  readonly involuntary: number;
}

const thisProcess = 0;
/** struct rusage, in words: user time and system time in seconds and microseconds come first. */
const words = new BigInt64Array(18);
const at = { voluntary: 16, involuntary: 17 } as const;

/** Of all threads of this process, since it started. */
export function usageNow(): Usage {
  libc().getrusage(thisProcess, words);
  const word = (index: number) => Number(words[index]);
  return {
    cpuNs: (word(0) + word(2)) * 1e9 + (word(1) + word(3)) * 1e3,
    voluntary: word(at.voluntary),
    involuntary: word(at.involuntary),
  };
}

export function usageSince(before: Usage): Usage {
  const now = usageNow();
  return {
    cpuNs: now.cpuNs - before.cpuNs,
    voluntary: now.voluntary - before.voluntary,
    involuntary: now.involuntary - before.involuntary,
  };
}

export function sumOf(one: Usage, other: Usage): Usage {
  return {
    cpuNs: one.cpuNs + other.cpuNs,
    voluntary: one.voluntary + other.voluntary,
    involuntary: one.involuntary + other.involuntary,
  };
}

export const nothingUsed: Usage = { cpuNs: 0, voluntary: 0, involuntary: 0 };
