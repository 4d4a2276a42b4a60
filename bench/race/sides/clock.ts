import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Of bench/native: a counter of the processor, read without a system call, and what pins a thread. */
interface Clock {
  /** Nanoseconds since some moment of this process. */
  bench_now(): number;
  bench_clock(): number;
  bench_pin(core: number): number;
}

const file = fileURLToPath(new URL("../../../zig-out/lib/libbenchclock.so", import.meta.url));
const names = ["CLOCK_MONOTONIC", "rdtsc", "cntvct"];

function open(): Clock {
  if (!existsSync(file)) {
    throw new Error(
      `${file} is missing: \`npm run bench\` builds it, and so does \`node scripts/zig-build.mjs bench\``,
    );
  }
  if ("Bun" in globalThis) {
    const { dlopen } = process.getBuiltinModule(
      "bun:ffi" as string,
    ) as unknown as typeof import("bun:ffi");
    const { symbols } = dlopen(file, {
      bench_now: { args: [], returns: "f64" },
      bench_clock: { args: [], returns: "i32" },
      bench_pin: { args: ["u32"], returns: "i32" },
    });
    return symbols as unknown as Clock;
  }
  const { symbols } = Deno.dlopen(file, {
    bench_now: { parameters: [], result: "f64" },
    bench_clock: { parameters: [], result: "i32" },
    bench_pin: { parameters: ["u32"], result: "i32" },
  });
  return symbols as unknown as Clock;
}

const { bench_now, bench_clock, bench_pin } = open();

/** Nanoseconds. */
export const now: () => number = bench_now;

export const clockName: string = names[bench_clock()] ?? "unknown";

/** Pins the calling thread to a core, so that a runtime's other threads stay free to go elsewhere. */
export function pinThread(core: number): boolean {
  return bench_pin(core) === 0;
}

/** What one reading costs: the least of many groups, since all else that happens only adds. */
export function readingNs(): number {
  const perGroup = 1000;
  let least = Infinity;
  for (let group = 0; group < 1000; group++) {
    const start = now();
    for (let i = 1; i < perGroup; i++) now();
    least = Math.min(least, (now() - start) / perGroup);
  }
  return least;
}
