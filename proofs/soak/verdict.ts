/** Whether what was seen is as it has to be. */
import { linearRegression } from "simple-statistics";
import type { Observed, ObservedProcess, Settings } from "./soak.ts";

export interface Verdict {
  readonly faults: readonly string[];
  /** Of each process, in the order of `Observed.processes`. */
  readonly growth: readonly Growth[];
}

export interface Growth {
  /** Bytes of resident memory that a process gains in 10 minutes: the slope of a line through the samples of its second half. */
  readonly rssBytesPer10Minutes: number;
}

/** Bytes that the objects on a heap may become more between start and end. */
const heapGrowthMax = 2 ** 20;

/**
 * Descriptors that a process may open after a warm-up of less than a minute: what its event loops
 * sleep with is opened when they first have the time to.
 */
const lateDescriptorsMax = 4;
const fullWarmUp = 60;

/** Bytes in 10 minutes, above which a process counts as growing. A runtime's own ups and downs are less. */
const growthMax = 16 * 2 ** 20;

/** Seconds that a slope is judged from. */
const slopeMin = 600;

export function judge(observed: Observed, { seconds, warmUp }: Settings): Verdict {
  // Runtimes take their time until they have all the memory that they will go on with.
  const settled = Math.max(warmUp, seconds / 2);
  const faults = [...observed.failures];
  const isWhole = observed.failures.length === 0 && !observed.interrupted;
  const growth = observed.processes.map((process, index) => {
    const points = observed.rows.flatMap(({ at, samples }): [number, number][] => {
      const sample = samples[index];
      return sample === undefined || at < settled ? [] : [[at, sample.rssBytes]];
    });
    const slope = points.length < 2 ? 0 : linearRegression(points).m * 600;
    if (isWhole) faults.push(...held(process, warmUp < fullWarmUp ? lateDescriptorsMax : 0));
    if (observed.seconds - settled >= slopeMin && slope > growthMax) {
      faults.push(`${nameOf(process)} gains ${Math.round(slope / 1024)} KiB in 10 minutes`);
    }
    return { rssBytesPer10Minutes: slope };
  });
  return { faults, growth };
}

export function nameOf({ load, role, runtime }: ObservedProcess): string {
  return `${load} ${role} (${runtime})`;
}

/** What a process holds more at the end. */
function held(process: ObservedProcess, lateDescriptors: number): string[] {
  const { start, end } = process;
  if (start === undefined || end === undefined) return [];
  const faults: string[] = [];
  const found = (what: string, had: number, has: number, allowed: number) => {
    if (has - had > allowed) faults.push(`${nameOf(process)} had ${had} ${what} and has ${has}`);
  };
  found("descriptors", start.descriptors, end.descriptors, lateDescriptors);
  found("mappings", start.mappings, end.mappings, 0);
  if (start.heapBytes !== undefined && end.heapBytes !== undefined) {
    found("bytes on its heap", start.heapBytes, end.heapBytes, heapGrowthMax);
  }
  return faults;
}
