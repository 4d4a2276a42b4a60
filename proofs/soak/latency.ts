import { quantileSorted } from "simple-statistics";

/** Of the round trips of a span of time, in microseconds. */
export interface Percentiles {
  /** Its end, in seconds since the begin of the soak. */
  readonly at: number;
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Of a load that is timed: the round trips of the window under way, and what those before came to. */
export class Latency {
  readonly windows: Percentiles[] = [];
  #current: number[] = [];

  add(microseconds: readonly number[]): void {
    for (const one of microseconds) this.#current.push(one);
  }

  endWindow(at: number): void {
    if (this.#current.length === 0) return;
    const sorted = this.#current.sort((one, other) => one - other);
    this.#current = [];
    this.windows.push({
      at,
      count: sorted.length,
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
      p999: quantile(sorted, 0.999),
      max: sorted.at(-1) ?? 0,
    });
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted.length === 0 ? 0 : quantileSorted(sorted as number[], share);
}
