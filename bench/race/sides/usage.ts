/** What a process has used, or two of them. */
export interface Usage {
  readonly cpuNs: number;
  /** Context switches. */
  readonly voluntary: number;
  readonly involuntary: number;
}

export const nothingUsed: Usage = { cpuNs: 0, voluntary: 0, involuntary: 0 };

/** Of all threads of this process, since it started. */
export function usageNow(): Usage {
  const usage = process.resourceUsage();
  return {
    cpuNs: (usage.userCPUTime + usage.systemCPUTime) * 1e3,
    voluntary: usage.voluntaryContextSwitches,
    involuntary: usage.involuntaryContextSwitches,
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
