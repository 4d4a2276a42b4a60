/** A race that nobody ran: a row for every mechanism, with figures of about the right size. */
import { contenders } from "../../bench/race/mechanisms.ts";
import type {
  Figure,
  Mechanism,
  NotTaken,
  OneWay,
  Race,
  RoundTrip,
  Row,
} from "../../bench/race/result.ts";

export const sizes = [4, 64, 1024, 16_384, 262_144, 1_048_576] as const;

const wakeUp = 20_000;
const nsOfByte = 0.1;

/** What the machine of this race refuses. */
export const refused: ReadonlyMap<string, string> = new Map([
  ["native/posix-queue", "mq_open: ENOSYS (Function not implemented)"],
  ["bun/zeromq", "Bun cannot load zeromq"],
]);

export function syntheticRace(): Race {
  return {
    version: 1,
    machine: {
      date: "2026-11-21T07:00:00.000Z",
      processor: "AMD EPYC",
      cores: 2,
      memoryGiB: 24,
      kernel: "6.18.44",
      virtualised: true,
      mitigations: ["spectre_v1: Mitigation: usercopy/swapgs barriers"],
      clocksource: "tsc",
      load: 0.3,
      bun: "1.4.5",
      deno: "deno 2.9.6 (stable, release, x86_64-unknown-linux-gnu)",
      zig: "0.16.0",
    },
    quick: false,
    seconds: 214,
    settings: {
      cores: [0, 1],
      pinned: true,
      roundTripSize: 32,
      oneWaySize: 64,
      sizes,
      count: 100_000,
    },
    clock: { name: "rdtsc", readingNs: 11 },
    emptyCallNs: figure(91),
    bareLineNs: { native: figure(128), bun: figure(131), deno: figure(130) },
    rows: contenders.map(({ mechanism }, index) => row(mechanism, index)),
    scenarios: [
      {
        name: "idle",
        title: "Processes that wait",
        notes: ["over a second"],
        columns: [{ name: "of a core", unit: "%" }],
        rows: [{ id: "bun/idle", name: "Bun, one consumer", values: [0.1] }],
      },
    ],
    goals: [
      { name: "Round trip, native", asked: "at most 1.10", measured: "1.05", reached: true },
      { name: "Round trip, Deno", asked: "at most 1.6", measured: "1.71", reached: false },
    ],
  };
}

function row(mechanism: Mechanism, index: number): Row {
  const { id, waiting, name } = mechanism;
  const forbidden = refused.get(id);
  if (forbidden !== undefined) return { ...mechanism, forbidden };
  if (id.includes("handover")) {
    return { ...mechanism, handover: { size: 100e6, milliseconds: figure(6 + index / 10) } };
  }
  const p50 = (waiting === "sleeps" ? wakeUp : 130) + 7 * index;
  const largest = name.includes("queue") ? 1024 : 1_048_576;
  const reason = `${name} takes ${largest} bytes at most`;
  const sweep = sizes.map((size): OneWay | NotTaken =>
    size <= largest ? oneWay(size, p50 / 10 + size * nsOfByte) : { size, reason },
  );
  const calls = { perOne: waiting === "sleeps" ? 4 : 0, by: "perf_event_open" } as const;
  const notCounted = { reason: "perf_event_open: EACCES (Permission denied)" };
  return {
    ...mechanism,
    roundTrip: roundTrip(p50),
    oneWay: oneWay(64, p50 / 10),
    sweep,
    callsPerRoundTrip: id === "native/tcp" ? notCounted : calls,
    callsPerMessage: id === "native/tcp" ? notCounted : calls,
  };
}

function roundTrip(p50: number): RoundTrip {
  return {
    size: 32,
    count: 100_000,
    min: p50 * 0.7,
    p50,
    p90: p50 * 1.3,
    p99: p50 * 2,
    p999: p50 * 8,
    max: p50 * 60 + 800_000,
    blockMedians: figure(p50),
    clockNs: 12,
    voluntarySwitches: p50 < wakeUp ? 0 : 2,
    involuntarySwitches: 0.001,
    cpuNs: p50 < wakeUp ? 2 * p50 : 0.8 * p50,
  };
}

function oneWay(size: number, ns: number): OneWay {
  return { size, count: 100_000, messagesPerSecond: figure(1e9 / ns), cpuNs: 2 * ns };
}

function figure(median: number): Figure {
  const blocks = [0.97, 1.02, 1, 0.99, 1.04].map((factor) => factor * median);
  return { median, p10: 0.97 * median, p90: 1.04 * median, blocks };
}
