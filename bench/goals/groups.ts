import { runtimeName, runtimes } from "../line-process.ts";
import { callSyncPair, loopPair, nativePair, type Pair, type Runtime, scriptPair } from "./pair.ts";

type Cores = readonly [number, number];

/** One measurement of a group. */
export interface Row {
  readonly name: string;
  readonly start: (cores: Cores) => Pair;
  /** What NUMBERS of the project ask of it; see the group's `unit`. */
  readonly goal?: Goal;
  /** Repetitions per second that are asked for besides. */
  readonly leastRate?: number;
  /** Instead of the group's. */
  readonly repetitions?: number;
}

/** In a group that compares its rows a factor at most, elsewhere a rate at least. */
export interface Goal {
  readonly apart: number;
  readonly close: number;
}

export interface Group {
  readonly name: string;
  readonly title: string;
  readonly unit:
    | "times the first row"
    | "times the best other row"
    | "messages per second"
    | "bytes per second";
  readonly bytesPerRepetition: number;
  /** Repetitions of a block: some milliseconds' worth, a tenth of which is a lap of the ring at least. */
  readonly repetitions: number;
  /** About how long the whole takes. */
  readonly seconds: number;
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

/** What two event loops of one runtime can talk over, the ring first. */
const mechanisms = [
  { mechanism: "zerocross", name: "zerocross, call and serve" },
  { mechanism: "net", name: "node:net, Unix socket" },
  { mechanism: "net-gathered", name: "node:net, writes gathered" },
  { mechanism: "fetch", name: "fetch, Unix socket" },
  { mechanism: "process.send", name: "process.send" },
  { mechanism: "postMessage", name: "worker postMessage" },
];

/** The same 32 bytes over each mechanism; all of one runtime, and each with a process of its own. */
function loopRows(runtime: Runtime, inFlight: number, of: Partial<Row>): Row[] {
  // One at a time there is nothing to gather.
  const isChosen = ({ mechanism }: { mechanism: string }) =>
    inFlight > 1 || mechanism !== "net-gathered";
  return mechanisms.filter(isChosen).map(({ mechanism, name }, index) => ({
    name,
    start: () => loopPair(runtime, mechanism, inFlight),
    ...(index === 0 && of),
  }));
}

const callGroups = runtimes.map(
  (runtime): Group => ({
    name: `call-${runtime}`,
    title: `await call() to serve(), ${runtimeName[runtime]}, two event loops, 32 bytes each way, one at a time`,
    unit: "times the best other row",
    bytesPerRepetition: 32,
    repetitions: 100,
    seconds: 10,
    rows: loopRows(runtime, 1, { repetitions: 1000, goal: always(0.5) }),
  }),
);

const callManyGroups = runtimes.map(
  (runtime): Group => ({
    name: `call-many-${runtime}`,
    title: `await call() to serve(), ${runtimeName[runtime]}, two event loops, 32 bytes each way, 64 in flight`,
    unit: "times the best other row",
    bytesPerRepetition: 32,
    repetitions: 1000,
    seconds: 20,
    rows: loopRows(runtime, 64, {
      repetitions: 10_000,
      goal: always(0.1),
      ...(runtime === "bun" && { leastRate: 1e6 }),
    }),
  }),
);

export const groups: readonly Group[] = [
  {
    name: "round-trip",
    title: "Round trip, 32 bytes each way, both sides spinning",
    unit: "times the first row",
    bytesPerRepetition: 32,
    repetitions: 100_000,
    seconds: 15,
    rows: [
      bareRow,
      { name: "zerocross, native", start: native("ring"), goal: { apart: 1.1, close: 1.3 } },
      { name: "Bun - Bun", start: script("round-trip", "bun", "bun"), goal: always(1.35) },
      { name: "Bun - Deno", start: script("round-trip", "bun", "deno"), goal: always(1.6) },
      { name: "Deno - Deno", start: script("round-trip", "deno", "deno"), goal: always(1.6) },
    ],
  },
  {
    name: "call-sync",
    title: "callSync() to serveSync(), 32 bytes each way",
    unit: "times the first row",
    bytesPerRepetition: 32,
    repetitions: 50_000,
    seconds: 10,
    rows: [
      bareRow,
      { name: "Bun - Bun", start: (cores) => callSyncPair("bun", cores), goal: always(1.5) },
      { name: "Deno - Deno", start: (cores) => callSyncPair("deno", cores), goal: always(1.8) },
    ],
  },
  ...callGroups,
  ...callManyGroups,
  {
    name: "one-way",
    title: "One way, 32 bytes, one record each, every payload read and checked",
    unit: "messages per second",
    bytesPerRepetition: 32,
    repetitions: 500_000,
    seconds: 40,
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
    seconds: 25,
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
    seconds: 10,
    rows: [
      { name: "memcpy out of cache, one process", start: native("memcpy") },
      { name: "zerocross, native", start: native("large") },
      { name: "Bun - Bun", start: script("large", "bun", "bun") },
      { name: "Deno - Deno", start: script("large", "deno", "deno") },
    ],
  },
];
