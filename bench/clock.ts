import { libc } from "./libc.ts";

const monotonic = 1;
const time = new BigInt64Array(2);

/** Microseconds of a clock that is the same in every process; `performance.now` starts with its own. */
export function sharedClockUs(): number {
  libc().clock_gettime(monotonic, time);
  return Number(time[0]) * 1e6 + Number(time[1]) / 1e3;
}
