import { type Column, tabulate, wrap } from "../report/columns.ts";
import { amount, duration, perOne } from "../report/format.ts";
import type { Race } from "../result.ts";
import type { Change, Comparison, Unit } from "./changes.ts";

const forms: Readonly<Record<Unit, (value: number) => string>> = {
  ns: duration,
  "per second": (rate) => `${amount(rate)}/s`,
  calls: perOne,
};

export function comparisonLines(
  [before, after]: readonly [Race, Race],
  { changes, onlyBefore, onlyAfter }: Comparison,
  width: number,
): string[] {
  const beyond = changes.filter(({ isBeyondNoise }) => isBeyondNoise);
  const better = beyond.filter(({ isBetter }) => isBetter);
  const worse = beyond.filter(({ isBetter }) => !isBetter);
  const within = changes.length - beyond.length;
  return [
    ...caveats(before, after).flatMap((line) => wrap(line, width, "  ")),
    ...section("Worse beyond the noise", worse, width),
    ...section("Better beyond the noise", better, width),
    "",
    changes.length === 0
      ? "The two races have no figure in common."
      : `${within} of ${changes.length} figures stayed within the noise.`,
    ...only("Only in the first", onlyBefore, width),
    ...only("Only in the second", onlyAfter, width),
  ];
}

function section(title: string, changes: readonly Change[], width: number): string[] {
  if (changes.length === 0) return [];
  const sorted = changes.toSorted((one, other) => factor(other) - factor(one));
  const right = (heading: string, worth: number, cell: (change: Change) => string) =>
    ({ heading, align: "right", worth, cell }) as const;
  const left = (worth: number, cell: (change: Change) => string) =>
    ({ heading: "", align: "left", worth, cell }) as const;
  const columns: Column<Change>[] = [
    left(9, ({ id }) => id),
    left(8, ({ what }) => what),
    right("first", 5, ({ unit, before }) => forms[unit](before)),
    right("second", 6, ({ unit, after }) => forms[unit](after)),
    right("change", 7, ({ share }) => percent(share)),
    right("x bare line", 1, ({ timesBareLine: times }) =>
      times === undefined ? "" : times.map(amount).join(" to "),
    ),
  ];
  return ["", title, ...tabulate(sorted, columns, width)];
}

/** How many times as much or as little it is. */
function factor({ before, after }: Change): number {
  return Math.max(before / after, after / before);
}

function percent(share: number): string {
  if (!Number.isFinite(share)) return "from none";
  return `${share > 0 ? "+" : ""}${(share * 100).toFixed(0)} %`;
}

function only(title: string, ids: readonly string[], width: number): string[] {
  return ids.length === 0 ? [] : wrap(`${title}: ${ids.join(", ")}.`, width, "  ");
}

/** What a reader of the changes has to know first. */
function caveats(before: Race, after: Race): string[] {
  const quick = [before, after].flatMap((race, index) =>
    race.quick
      ? [
          `The ${index === 0 ? "first" : "second"} race was a quick one: its figures count for nothing.`,
        ]
      : [],
  );
  const compared = ["processor", "cores", "kernel", "bun", "deno", "zig"] as const;
  const machines = compared.flatMap((name) => {
    const [one, other] = [before.machine[name], after.machine[name]];
    return one === other ? [] : [`${name} ${one} and ${other}`];
  });
  const sizes = [before, after].map(({ settings }) => settings.roundTripSize);
  const settings =
    sizes[0] === sizes[1]
      ? []
      : [`Round trips of ${sizes.join(" and of ")} bytes are not compared.`];
  const differ = machines.length === 0 ? [] : [`The machines differ: ${machines.join("; ")}.`];
  return [...quick, ...differ, ...settings];
}
