/** How the figures came about: what a reader must know to trust them or to take them again. */
import type { Machine } from "../../machine.ts";
import { runnerName, runners } from "../reading.ts";
import type { Race } from "../result.ts";
import { html, type Markup } from "./markup.ts";
import { byteSize, duration, range } from "./units.ts";

export function methodList(race: Race): Markup {
  const entries = [...methods(race), ...machineEntries(race.machine)];
  return html`<dl>
${entries.map(([term, text]) => html`<div><dt>${term}</dt><dd>${text}</dd></div>\n`)}</dl>`;
}

type Entry = readonly [term: string, text: string | Markup];

function methods(race: Race): Entry[] {
  const { settings, clock } = race;
  const price = race.emptyCallNs;
  return [
    [
      "Clock",
      `${clock.name}. A reading costs ${duration(clock.readingNs)}, which every round trip here contains.`,
    ],
    [
      "Blocks",
      `Every mechanism ran in blocks, and the blocks of all mechanisms took turns, so that a machine that changes its pace is fair to all. A tenth of each block went first and is not timed.`,
    ],
    ["The range under a figure", spreadText(race)],
    [
      "Percentiles",
      `p50, the median: half of all round trips took no longer. p99.99: all but one in ten thousand. They are taken over all round trips of all blocks.`,
    ],
    [
      "Round trip",
      `${byteSize(settings.roundTripSize)} there and the same bytes back; ${settings.count.toLocaleString("en")} asked of each native mechanism.`,
    ],
    [
      "One way",
      `Messages of ${byteSize(settings.oneWaySize)}, from the first that is sent until the receiver has read and checked the last.`,
    ],
    [
      "Checked",
      "The receiver checks the length, the first and the last word of every message while the time runs; all bytes of every message were checked before.",
    ],
    [
      "System calls",
      "Counted by the kernel, on all threads of both processes, as the slope between a short and a long block. 0.00 is a stray call or two in a whole block. Where it may not be counted there is no figure.",
    ],
    [
      "Empty system call",
      price === undefined
        ? "Not measured."
        : `${duration(price.median)} (${range(price.p10, price.p90, duration)}): what one crossing into the kernel costs here that does nothing.`,
    ],
    ["CPU time and switches", "From getrusage, both sides together, over the timed part only."],
    ["Cores", pinningText(race)],
    ["Did the machine drift?", driftText(race)],
    ["Whole run", `${Math.round(race.seconds)} s.`],
  ];
}

function spreadText(race: Race): string {
  const blocks = race.rows.flatMap(({ roundTrip }) =>
    roundTrip !== undefined && "blockMedians" in roundTrip
      ? [roundTrip.blockMedians.blocks.length]
      : [],
  );
  const least = Math.min(...blocks);
  const most = Math.max(...blocks);
  const counted = least === most ? `${least}` : `${least} to ${most}`;
  const of = blocks.length === 0 ? "" : ` (${counted} for a round trip)`;
  return `It goes from the 10th to the 90th percentile of the blocks${of}: what the same measurement gave at other moments of this run. Two figures whose ranges overlap are not to be told apart. Whiskers on bars are the same.`;
}

function pinningText({ settings }: Race): string {
  const cores = settings.cores.join(" and ");
  if (settings.pinned === true)
    return `Sides that spin or block are pinned to cores ${cores}; event loops are not pinned.`;
  if (settings.pinned === false) return `Cores ${cores}; nothing was pinned.`;
  return `Cores ${cores}; nothing was pinned: ${settings.pinned}`;
}

function driftText(race: Race): string {
  const parts = runners.flatMap((runner) => {
    const line = race.bareLineNs[runner];
    if (line === undefined) return [];
    return [
      `beside ${runnerName[runner]} ${duration(line.median)} (${range(line.p10, line.p90, duration)})`,
    ];
  });
  if (parts.length === 0) return "The bare cache line was not measured beside the mechanisms.";
  return `Two processes that bounce one cache line ran along, as a measure of the machine itself: ${parts.join(", ")}.`;
}

const labels: Readonly<Partial<Record<keyof Machine, string>>> = {
  cores: "Cores of the machine",
  memoryGiB: "Memory",
  kernel: "Kernel",
  virtualised: "Virtual machine",
  mitigations: "Mitigations",
  clocksource: "The kernel's clock",
  governor: "Frequency governor",
  sharedCache: "Cache that the cores share",
  load: "Load in the minute before",
  bun: "Bun",
  deno: "Deno",
  zig: "Zig",
};

function machineEntries(machine: Machine): Entry[] {
  return (Object.keys(labels) as (keyof Machine)[]).flatMap((key): Entry[] => {
    const text = machineText(key, machine[key]);
    return text === undefined ? [] : [[labels[key] ?? key, text]];
  });
}

function machineText(
  key: keyof Machine,
  value: Machine[keyof Machine],
): string | Markup | undefined {
  if (value === undefined) return undefined;
  if (key === "memoryGiB") return `${value} GiB`;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (value.length === 0) return "none is active";
  return html`<ul>${value.map((line) => html`<li>${line}</li>`)}</ul>`;
}
