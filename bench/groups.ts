import { nativePair, type Pair, type Runtime, scriptPair } from "./pair.ts";

type Cores = readonly [number, number];

/** One measurement of a group. */
export interface Row {
  readonly name: string;
  readonly start: (cores: Cores) => Pair;
  /** What NUMBERS of the project ask of it; see the group's `unit`. */
  readonly goal?: Goal;
}

/** In a group that compares with the bare line a factor at most, elsewhere a rate at least. */
export interface Goal {
  readonly apart: number;
  readonly close: number;
}

export interface Group {
  readonly name: string;
  readonly title: string;
  readonly unit: "times the first row" | "messages per second" | "bytes per second";
  readonly bytesPerRepetition: number;
  /** Repetitions of a block: some milliseconds' worth, a tenth of which is a lap of the ring at least. */
  readonly repetitions: number;
  readonly rows: readonly Row[];
}

const script =
  (name: string, first: Runtime, second: Runtime) =>
  (cores: Cores): Pair =>
    scriptPair(name, [first, second], cores);

const native =
  (what: string) =>
  (cores: Cores): Pair =>
    nativePair(what, cores);

const always = (limit: number): Goal => ({ apart: limit, close: limit });

/** The rates of single records are asked for while the cores are close only. */
const whileClose = (rate: number): Goal => ({ apart: 0, close: rate });

/** The floor: no design gets under it. Runs along in every group, to tell how far the cores are. */
export const bareRow: Row = { name: "bare cache line, native", start: native("bare") };

export const groups: readonly Group[] = [
  {
    name: "round-trip",
    title: "Round trip, 32 bytes each way, both sides spinning",
    unit: "times the first row",
    bytesPerRepetition: 32,
    repetitions: 100_000,
    rows: [
      bareRow,
      { name: "zerocross, native", start: native("ring"), goal: { apart: 1.1, close: 1.3 } },
      { name: "Bun - Bun", start: script("round-trip", "bun", "bun"), goal: always(1.35) },
      { name: "Bun - Deno", start: script("round-trip", "bun", "deno"), goal: always(1.6) },
      { name: "Deno - Deno", start: script("round-trip", "deno", "deno"), goal: always(1.6) },
    ],
  },
  {
    name: "one-way",
    title: "One way, 32 bytes, one record each, every payload read and checked",
    unit: "messages per second",
    bytesPerRepetition: 32,
    repetitions: 500_000,
    rows: [
      { name: "native, staged", start: native("stage"), goal: whileClose(28e6) },
      { name: "native, one by one", start: native("send") },
      {
        name: "Bun - Bun, one by one",
        start: script("one-by-one", "bun", "bun"),
        goal: whileClose(28e6),
      },
      { name: "Bun - Bun, staged", start: script("staged", "bun", "bun") },
      { name: "Deno - Deno, one by one", start: script("one-by-one", "deno", "deno") },
    ],
  },
  {
    name: "packed",
    title: "One way, 32 bytes, many to a record, every payload read and checked",
    unit: "messages per second",
    bytesPerRepetition: 32,
    repetitions: 1_000_000,
    rows: [
      { name: "native", start: native("packed_many"), goal: always(100e6) },
      { name: "Bun - Bun", start: script("packed", "bun", "bun"), goal: always(60e6) },
      { name: "Deno - Deno", start: script("packed", "deno", "deno"), goal: always(40e6) },
    ],
  },
  {
    name: "large",
    title: "One way, 64 KiB, copied in and copied out",
    unit: "bytes per second",
    bytesPerRepetition: 64 * 1024,
    repetitions: 2000,
    rows: [
      { name: "memcpy out of cache, one process", start: native("memcpy") },
      { name: "zerocross, native", start: native("large") },
      { name: "Bun - Bun", start: script("large", "bun", "bun") },
      { name: "Deno - Deno", start: script("large", "deno", "deno") },
    ],
  },
];
