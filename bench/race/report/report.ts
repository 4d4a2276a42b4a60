import type { Machine } from "../../machine.ts";
import { contenders } from "../mechanisms.ts";
import { runners } from "../reading.ts";
import type { Race } from "../result.ts";
import { arithmetic } from "./arithmetic.ts";
import { tabulate, wrap } from "./columns.ts";
import { duration } from "./format.ts";
import { legend, mainTable } from "./main-table.ts";
import { goalLines, handoverTable, leftOutLines, microTable, sweepTable } from "./tables.ts";

/** From here on something else than the race keeps the machine busy. */
const quietLoad = 0.5;

/** The whole report, in lines of that width. */
export function report(race: Race, width: number): string[] {
  const tables = runners.flatMap((runner) => mainTable(race, runner, width));
  return [
    ...heading(race, width),
    ...tables,
    ...(tables.length === 0 ? [] : ["", ...wrap(`${legend}${countedBy(race)}`, width)]),
    ...runners.flatMap((runner) => sweepTable(race, runner, width)),
    ...handoverTable(race, width),
    ...microTable(race, width),
    ...arithmetic(race, width),
    ...leftOutLines(race, width),
    ...goalLines(race, width),
  ];
}

function heading(race: Race, width: number): string[] {
  const { machine, settings, clock, quick, seconds } = race;
  const { pinned, cores } = settings;
  const sides =
    pinned === true ? `pinned to cores ${cores.join(" and ")}` : `not pinned: ${pinned}`;
  const lines = [
    machineLine(machine),
    `Mitigations: ${machine.mitigations.join("; ") || "none"}`,
    `Sides ${sides}${machine.sharedCache === undefined ? "" : `, which share an ${machine.sharedCache}`}; ` +
      `clock ${clock.name}, ${duration(clock.readingNs)} a reading; ${seconds.toFixed(0)} s`,
    bareLine(race),
  ];
  if (machine.load >= quietLoad) {
    lines.push(`The load was ${machine.load} in the minute before: others compete for the cores.`);
  }
  if (quick) lines.push("Quick: just long enough to see that everything works; no figure counts.");
  return lines.filter((line) => line !== "").flatMap((line) => wrap(line, width, "  "));
}

function machineLine(machine: Machine): string {
  const { processor, cores, memoryGiB, kernel, virtualised, clocksource, governor } = machine;
  const [, deno = machine.deno] = machine.deno.split(" ");
  return (
    `${processor}, ${cores} cores${virtualised ? " of a virtual machine" : ""}, ${memoryGiB} GiB, Linux ${kernel} ` +
    `(clock source ${clocksource}${governor === undefined ? "" : `, governor ${governor}`}); ` +
    `Bun ${machine.bun}, Deno ${deno}, Zig ${machine.zig}`
  );
}

/** The same thing beside each runner's mechanisms: whether the machine was the same for all. */
function bareLine({ bareLineNs }: Race): string {
  const beside = runners.flatMap((runner) => {
    const figure = bareLineNs[runner];
    if (figure === undefined) return [];
    return [
      `${duration(figure.median)} (${duration(figure.p10)} to ${duration(figure.p90)}) beside ${runner}`,
    ];
  });
  return beside.length === 0 ? "" : `Bare cache line, round trip: ${beside.join(", ")}`;
}

function countedBy({ rows }: Race): string {
  const counted = rows.flatMap(({ callsPerRoundTrip: calls }) =>
    calls !== undefined && "by" in calls ? calls.by : [],
  );
  const by = [...new Set(counted)].join(" and ");
  return by === "" ? "" : ` System calls were counted by the kernel (${by}).`;
}

/** What `--list` prints. */
export function listing(width: number): string[] {
  return tabulate(
    contenders.map(({ mechanism }) => mechanism),
    [
      { heading: "", align: "left", worth: 9, cell: ({ id }) => id },
      { heading: "", align: "left", worth: 8, cell: ({ name }) => name },
      { heading: "", align: "left", worth: 7, cell: ({ family }) => family },
      { heading: "", align: "left", worth: 6, cell: ({ waiting }) => waiting },
      { heading: "", align: "left", worth: 1, cell: ({ note }) => note ?? "" },
    ],
    width,
  );
}
