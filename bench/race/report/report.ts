import type { Machine } from "../../machine.ts";
import { scenarios } from "../../scenarios/scenarios.ts";
import { contenders } from "../mechanisms.ts";
import { runners } from "../reading.ts";
import type { Race } from "../result.ts";
import { duration, spreadOf } from "./format.ts";
import { left, type Table, tableOf, tabulate, wrap } from "./table.ts";
import { leftOut, legend, mainTables, otherTables } from "./tables.ts";

/** From here on something else than the race keeps the machine busy. */
const quietLoad = 0.5;

/** The whole report, in lines of that width. */
export function report(race: Race, width: number): string[] {
  const show = (table: Table) => {
    const notes = table.notes.length === 0 ? [] : wrap(`(${table.notes.join("; ")})`, width);
    return ["", ...wrap(table.title, width), ...notes, ...tabulate(table, width)];
  };
  const main = mainTables(race);
  const left = leftOut(race).flatMap((line) => wrap(line, width, "  "));
  const others = otherTables(race);
  const goals = race.goals.length > 0 ? others.splice(-1) : [];
  return [
    ...circumstances(race).flatMap((line) => wrap(line, width, "  ")),
    ...main.flatMap(show),
    ...(main.length === 0 ? [] : ["", ...wrap(legend, width)]),
    ...others.flatMap(show),
    ...(left.length === 0 ? [] : ["", "Left out", ...left]),
    ...goals.flatMap(show),
  ];
}

/** What the figures mean nothing without, a line each. */
export function circumstances(race: Race): string[] {
  const { machine, settings, clock, quick, seconds, emptyCallNs } = race;
  const { pinned, cores } = settings;
  const sides =
    pinned === true ? `pinned to cores ${cores.join(" and ")}` : `not pinned: ${pinned}`;
  return [
    machineLine(machine),
    `Mitigations: ${machine.mitigations.join("; ") || "none"}`,
    `Sides ${sides}; clock ${clock.name}, ${duration(clock.readingNs)} a reading; ${seconds.toFixed(0)} s`,
    ...(emptyCallNs === undefined
      ? []
      : [`An empty system call: ${duration(emptyCallNs.median)} (${spreadOf(emptyCallNs)})`]),
    ...bareLine(race),
    ...(machine.load >= quietLoad
      ? [`The load was ${machine.load} in the minute before: others compete for the cores.`]
      : []),
    ...(quick ? ["Quick: just long enough to see that everything works; no figure counts."] : []),
  ];
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
function bareLine({ bareLineNs }: Race): string[] {
  const beside = runners.flatMap((runner) => {
    const figure = bareLineNs[runner];
    if (figure === undefined) return [];
    const [median, p10, p90] = [figure.median, figure.p10, figure.p90].map(duration);
    return [`${median} (${p10} to ${p90}) beside ${runner}`];
  });
  return beside.length === 0 ? [] : [`Bare cache line, round trip: ${beside.join(", ")}`];
}

/** What `--list` prints. */
export function listing(width: number): string[] {
  const rows = [
    ...contenders.map(({ mechanism: { id, name, family, waiting, note = "" } }) => [
      ...[id, name, family, waiting, note],
    ]),
    ...scenarios.map(({ name, title }) => [name, title]),
  ];
  const columns = [9, 8, 7, 6, 1].map((worth, index) =>
    left("", worth, (cells: string[]) => cells[index] ?? ""),
  );
  return tableOf("", rows, columns).flatMap((table) => tabulate(table, width));
}
