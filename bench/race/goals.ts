import { median } from "simple-statistics";
import type { Runtime } from "../line-process.ts";
import { bareLineId } from "./mechanisms.ts";
import { callsOf, oneWayOf, roundTripOf, rowOf, sweepOf } from "./reading.ts";
import { inUnit } from "./report/format.ts";
import type { Figure, GoalOutcome, Race, Unit } from "./result.ts";

/** What the figures of a goal are of. The names of a scenario's columns are quantities as well. */
type Quantity =
  | "round trip"
  | "round trip after 20 ms of silence"
  | "calls/s, 64 in flight"
  | "messages/s of 32 bytes"
  | "messages/s of 65536 bytes"
  | "system calls per round trip"
  | "scenario";

/** What the project asks of a row. */
interface Goal {
  readonly of: string;
  readonly quantity: Quantity;
  /** Of a scenario's row. */
  readonly column?: string;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** The figure is to that of the best of these rows. */
  readonly times?: readonly string[];
  /** Asked only where the bare line says that the cores are close. */
  readonly isOfCloseCores?: boolean;
}

/** Nanoseconds: cores whose bare line takes less share a cache of their own. */
const closeCores = 85;

const bareLine = [bareLineId];

/** What a runtime has for the same: one at a time, and with many under way. */
const others = (runtime: Runtime) =>
  ["net-unix", "fetch-unix", "process-send", "post-message"].map((name) => `${runtime}/${name}`);
const otherCalls = (runtime: Runtime) =>
  [
    "net-unix-calls",
    "net-unix-gathered",
    "fetch-unix",
    "process-send-calls",
    "post-message-calls",
  ].map((name) => `${runtime}/${name}`);

const scenario = (of: string, column: string, limit: Pick<Goal, "atMost" | "atLeast">): Goal => ({
  of,
  quantity: "scenario",
  column,
  ...limit,
});

function goalsOf(runtime: Runtime): Goal[] {
  const id = (name: string) => `${runtime}/${name}`;
  const idle = ["idle-receive-sync-1", "idle-consumers-100", "idle-clients-100"];
  return [
    {
      of: id("zerocross-rpc"),
      quantity: "round trip",
      atMost: 0.5,
      times: others(runtime),
    },
    {
      of: id("zerocross-async"),
      quantity: "round trip after 20 ms of silence",
      atMost: 2,
      times: [id("net-unix")],
    },
    {
      of: id("zerocross-rpc"),
      quantity: "calls/s, 64 in flight",
      atLeast: 10,
      times: otherCalls(runtime),
    },
    { of: id("zerocross-spin"), quantity: "system calls per round trip", atMost: 0.01 },
    ...idle.map((name) => scenario(id(name), "of a core", { atMost: 1 })),
    ...["timer-drain", "timer-iterate"].flatMap((name) => [
      scenario(id(name), "greatest", { atMost: 5 }),
      scenario(id(name), "received", { atLeast: 0.95e6 }),
    ]),
    scenario(id("clients-1024"), "lost", { atMost: 0 }),
    scenario(id("clients-1024"), "least to most", { atLeast: 0.5 }),
    ...["heap-copies", "heap-batches"].map((name) =>
      scenario(id(name), "of the heap", { atMost: 0.1 }),
    ),
  ];
}

/** All that the project asks of itself: limits on rows of the race. */
const goals: readonly Goal[] = [
  { of: "native/ring-spin", quantity: "round trip", atMost: 1.1, times: bareLine },
  { of: "bun/zerocross-spin", quantity: "round trip", atMost: 1.35, times: bareLine },
  { of: "bun/zerocross-spin-to-deno", quantity: "round trip", atMost: 1.6, times: bareLine },
  { of: "deno/zerocross-spin", quantity: "round trip", atMost: 1.6, times: bareLine },
  { of: "bun/zerocross-rpc-sync", quantity: "round trip", atMost: 1.5, times: bareLine },
  { of: "deno/zerocross-rpc-sync", quantity: "round trip", atMost: 1.8, times: bareLine },
  { of: "native/ring-sleep", quantity: "round trip", atMost: 1, times: ["native/pipe"] },
  { of: "native/ring-spin", quantity: "system calls per round trip", atMost: 0.01 },
  ...["native/ring-staged", "bun/zerocross-spin"].map((of) => ({
    ...{ of, quantity: "messages/s of 32 bytes" as const, atLeast: 28e6, isOfCloseCores: true },
  })),
  { of: "native/ring-packed", quantity: "messages/s of 32 bytes", atLeast: 100e6 },
  { of: "bun/zerocross-batch", quantity: "messages/s of 32 bytes", atLeast: 60e6 },
  { of: "deno/zerocross-batch", quantity: "messages/s of 32 bytes", atLeast: 40e6 },
  { of: "bun/zerocross-rpc", quantity: "calls/s, 64 in flight", atLeast: 1e6 },
  ...[
    ...["native/ring-spin", "native/ring-spin-1mib"],
    ...["bun/zerocross-spin", "deno/zerocross-spin"],
  ].map((of) => ({
    ...{ of, quantity: "messages/s of 65536 bytes" as const, atLeast: 1, times: ["native/memcpy"] },
  })),
  ...goalsOf("bun"),
  ...goalsOf("deno"),
];

type Measured = Pick<Race, "rows" | "bareLineNs" | "scenarios">;

/** Nothing of what did not run, or is not asked of this machine. */
export function judge(race: Measured): GoalOutcome[] {
  const bareNs = figureOf(race, bareLineId, "round trip")?.median ?? Infinity;
  const asked = goals.filter(({ isOfCloseCores }) => !isOfCloseCores || bareNs < closeCores);
  return asked.flatMap((goal) => {
    const found = measure(race, goal);
    if (found === undefined) return [];
    const { value, unit, reference } = found;
    const { atMost, atLeast } = goal;
    const [limit, words] = atMost === undefined ? [atLeast ?? 0, "at least"] : [atMost, "at most"];
    const beside = reference === undefined ? "" : ` x ${reference}`;
    return {
      name: `${goal.of}: ${goal.column ?? goal.quantity}`,
      asked: `${words} ${inUnit(limit, unit)}${beside === "" ? "" : " x"}`,
      measured: `${inUnit(value, unit)}${beside}`,
      reached: value <= (atMost ?? Infinity) && value >= (atLeast ?? 0),
    };
  });
}

interface Found {
  readonly value: number;
  readonly unit: Unit;
  /** The row that the figure is to. */
  readonly reference?: string;
}

function measure(race: Measured, goal: Goal): Found | undefined {
  const { of, quantity, column, times } = goal;
  if (quantity === "scenario") return inScenario(race, of, column);
  if (quantity === "system calls per round trip") {
    const value = callsOf(rowOf(race, of)?.callsPerRoundTrip);
    return value === undefined ? undefined : { value, unit: "" };
  }
  const own = figureOf(race, of, quantity);
  if (own === undefined) return undefined;
  if (times === undefined) return { value: median([...own.blocks]), unit: "/s" };
  const isBetter = (one: Figure, other: Figure) =>
    quantity.startsWith("round trip") ? one.median < other.median : one.median > other.median;
  let best: { id: string; figure: Figure } | undefined;
  for (const id of times) {
    const figure = id === bareLineId ? besideOf(race, of) : figureOf(race, id, quantity);
    if (figure === undefined) continue;
    if (best === undefined || isBetter(figure, best.figure)) best = { id, figure };
  }
  return best && { value: timesOf(own, best.figure), unit: "times", reference: best.id };
}

/** Block by block: those with the same number ran next to each other. */
function timesOf({ blocks }: Figure, reference: Figure): number {
  return median(
    blocks.map((value, index) => value / (reference.blocks[index] ?? reference.median)),
  );
}

function figureOf(race: Measured, id: string, quantity: Quantity): Figure | undefined {
  const row = rowOf(race, id);
  if (quantity === "round trip") {
    const roundTrip = roundTripOf(row);
    return roundTrip && withoutClock(roundTrip.blockMedians, roundTrip.clockNs ?? 0);
  }
  if (quantity === "round trip after 20 ms of silence") return row?.afterSilence?.blockMedians;
  if (quantity === "calls/s, 64 in flight") return oneWayOf(row)?.messagesPerSecond;
  const swept = quantity === "messages/s of 32 bytes" ? 32 : 65536;
  return row && sweepOf(row).find(({ size }) => size === swept)?.messagesPerSecond;
}

/** The bare line's round trips that took turns with a row. */
function besideOf(race: Measured, id: string): Figure | undefined {
  const line = race.bareLineNs[rowOf(race, id)?.runner ?? "native"];
  const clockNs = roundTripOf(rowOf(race, bareLineId))?.clockNs;
  return line && clockNs !== undefined ? withoutClock(line, clockNs) : undefined;
}

function withoutClock(figure: Figure, clockNs: number): Figure {
  const blocks = figure.blocks.map((ns) => ns - clockNs);
  return { ...figure, median: figure.median - clockNs, blocks };
}

function inScenario({ scenarios }: Measured, id: string, name?: string): Found | undefined {
  for (const { columns, rows } of scenarios) {
    const row = rows.find((row) => row.id === id);
    const at = columns.findIndex((column) => column.name === name);
    const value = row?.values[at];
    if (typeof value === "number") return { value, unit: columns[at]?.unit ?? "" };
  }
  return undefined;
}
