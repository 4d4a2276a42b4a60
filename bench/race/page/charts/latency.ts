/// <reference lib="dom" />
import * as Plot from "@observablehq/plot";
import { roundTripOf, rowsOf, sortedBy } from "../../reading.ts";
import { duration } from "../../report/format.ts";
import type { RoundTrip, Row } from "../../result.ts";
import { type Drawing, onAxis, rowFrame, tipStyle } from "./frame.ts";

type Line = Row & RoundTrip;

/** The dots shrink towards the tail: the large one is what a typical round trip takes. */
const dots = [
  { percentile: "p50", r: 5.5 },
  { percentile: "p90", r: 4 },
  { percentile: "p99", r: 3 },
  { percentile: "p999", r: 2 },
] as const;

/** Where the round trips of each mechanism lie, from the fastest to the slowest. */
export function drawLatency({ race, runner, width }: Drawing) {
  const measured = rowsOf(race, runner).flatMap((row): Line[] => {
    const roundTrip = roundTripOf(row);
    return roundTrip === undefined ? [] : [{ ...row, ...roundTrip }];
  });
  if (measured.length === 0) return undefined;
  const lines = sortedBy(measured, (line) => line.p50);
  const ticks = Math.floor(width / 130);
  const { layout, names, figures } = rowFrame(lines, width);
  const shown = { y: "id", stroke: "family" } as const;
  const axis = { ticks, tickFormat: onAxis(duration), tickSize: 0, label: null };
  return Plot.plot({
    ...layout,
    ariaLabel: "Latency of a round trip, by mechanism",
    x: { type: "log", label: null },
    marks: [
      Plot.gridX({ ticks, strokeOpacity: 0.12 }),
      Plot.axisX({ ...axis, anchor: "top" }),
      Plot.axisX({ ...axis, anchor: "bottom" }),
      Plot.ruleY(lines, { ...shown, x1: "min", x2: "p999", strokeWidth: 1.5, strokeOpacity: 0.7 }),
      Plot.ruleY(lines, { ...shown, x1: "p50", x2: "p99", strokeWidth: 4, strokeOpacity: 0.35 }),
      Plot.dot(lines, { ...shown, x: "max", r: 2.5, strokeOpacity: 0.45 }),
      ...dots.map(({ percentile, r }) =>
        Plot.dot(lines, { x: percentile, y: "id", fill: "family", r }),
      ),
      names,
      figures(lines, ({ p50 }) => duration(p50)),
      Plot.tip(lines, Plot.pointerY({ x: "p50", y: "id", title: describe, ...tipStyle })),
    ],
  });
}

function describe(line: Line): string {
  const percentiles = {
    min: "fastest",
    p50: "p50",
    p90: "p90",
    p99: "p99",
    p999: "p99.9",
    max: "slowest",
  } as const;
  const figures = Object.entries(percentiles) as [keyof typeof percentiles, string][];
  return [line.name, ...figures.map(([key, name]) => `${name}: ${duration(line[key])}`)].join("\n");
}
