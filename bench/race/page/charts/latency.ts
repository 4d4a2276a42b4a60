/// <reference lib="dom" />
import * as Plot from "@observablehq/plot";
import { roundTripOf, rowsOf, sortedBy } from "../../reading.ts";
import type { RoundTrip, Row } from "../../result.ts";
import { duration } from "../units.ts";
import {
  colour,
  type Drawing,
  isNarrow,
  onAxis,
  rowFrame,
  style,
  textHalo,
  tipStyle,
} from "./frame.ts";

type Line = Row & RoundTrip;

/** The dots shrink towards the tail: the large one is what a typical round trip takes. */
const dots = [
  { percentile: "p50", r: 5.5 },
  { percentile: "p90", r: 4 },
  { percentile: "p99", r: 3 },
  { percentile: "p999", r: 2 },
] as const;

/** Pixels for the two columns of figures on the right of a wide chart. */
const figureColumn = 76;

export function drawLatency({ race, runner, width }: Drawing) {
  const measured = rowsOf(race, runner).flatMap((row): Line[] => {
    const roundTrip = roundTripOf(row);
    return roundTrip === undefined ? [] : [{ ...row, ...roundTrip }];
  });
  if (measured.length === 0) return undefined;
  const lines = sortedBy(measured, (line) => line.p50);
  const narrow = isNarrow(width);
  const { marginLeft, rowHeight, lineOffset: dy, names } = rowFrame(lines, width);
  const shown = { y: "id", stroke: "family", dy } as const;
  return Plot.plot({
    width,
    height: 60 + lines.length * rowHeight,
    marginLeft,
    marginRight: narrow ? 12 : 2 * figureColumn,
    marginTop: 34,
    marginBottom: 26,
    style,
    ariaLabel: "Latency of a round trip, by mechanism",
    ariaDescription: "Every figure of this chart is in the table of round trips below.",
    x: {
      type: "log",
      domain: [
        Math.min(...lines.map((line) => line.min)),
        Math.max(...lines.map(({ max }) => max)),
      ],
      label: null,
    },
    y: { type: "band", domain: lines.map((line) => line.id), padding: 0, axis: null },
    color: colour,
    marks: [
      Plot.gridX({ ticks: narrow ? 5 : 8, strokeOpacity: 0.12 }),
      axis("top", narrow),
      axis("bottom", narrow),
      Plot.ruleY(lines, { ...shown, x1: "min", x2: "p9999", strokeWidth: 1.5, strokeOpacity: 0.7 }),
      Plot.ruleY(lines, { ...shown, x1: "p50", x2: "p99", strokeWidth: 4, strokeOpacity: 0.35 }),
      Plot.tickX(lines, {
        ...shown,
        x: "p9999",
        insetTop: rowHeight / 2 - 5,
        insetBottom: rowHeight / 2 - 5,
      }),
      Plot.dot(lines, { ...shown, x: "max", r: 2.5, strokeOpacity: 0.45 }),
      ...dots.map(({ percentile, r }) =>
        Plot.dot(lines, { x: percentile, y: "id", fill: "family", r, dy }),
      ),
      ...names(lines),
      ...figures(lines, narrow),
      Plot.tip(lines, Plot.pointerY({ x: "p50", y: "id", title: describe, dy, ...tipStyle })),
    ],
  });
}

function axis(anchor: "top" | "bottom", narrow: boolean) {
  return Plot.axisX({
    anchor,
    ticks: narrow ? 5 : 8,
    tickFormat: onAxis(duration),
    tickSize: 0,
    label: null,
  });
}

function figures(lines: readonly Line[], narrow: boolean): Plot.Markish[] {
  if (narrow) {
    const both = ({ p50, p99 }: Line) => `${duration(p50)}, p99 ${duration(p99)}`;
    return [
      Plot.text(lines, {
        y: "id",
        text: both,
        ...textHalo,
        frameAnchor: "right",
        textAnchor: "end",
        dy: -9,
        dx: 10,
      }),
    ];
  }
  return (["p50", "p99"] as const).flatMap((percentile, column) => {
    const placed = {
      frameAnchor: "right",
      textAnchor: "end",
      dx: figureColumn * (column + 1),
    } as const;
    const fontWeight = percentile === "p50" ? 700 : 400;
    return [
      Plot.text(lines, {
        ...placed,
        y: "id",
        text: (line: Line) => duration(line[percentile]),
        fontWeight,
      }),
      Plot.text([percentile], { ...placed, frameAnchor: "top-right", dy: -20, fontWeight }),
    ];
  });
}

function describe(line: Line): string {
  const figure = (name: string, ns: number) => `${name}: ${duration(ns)}`;
  return [
    line.name,
    figure("fastest", line.min),
    figure("p50", line.p50),
    figure("p90", line.p90),
    figure("p99", line.p99),
    figure("p99.9", line.p999),
    figure("p99.99", line.p9999),
    figure("slowest", line.max),
  ].join("\n");
}
