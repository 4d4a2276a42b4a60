/// <reference lib="dom" />
import * as Plot from "@observablehq/plot";
import { callsOf, carriesMessages, roundTripOf, rowsOf } from "../../reading.ts";
import type { Race, Row, Runner } from "../../result.ts";
import { crossings, duration } from "../units.ts";
import {
  colour,
  type Drawing,
  decades,
  isNarrow,
  isOurs,
  onAxis,
  style,
  textWidth,
  tipStyle,
} from "./frame.ts";
import { type PlacedName, placeNames } from "./place-names.ts";
import { halo, svg } from "./svg.ts";

interface Point {
  readonly row: Row;
  readonly family: string;
  readonly calls: number;
  readonly p50: number;
}

export function drawCrossings({ race, runner, width }: Drawing) {
  const points = pointsOf(race, runner);
  if (points.length === 0) return undefined;
  const narrow = isNarrow(width);
  const most = Math.max(1, ...points.map(({ calls }) => calls));
  const price = race.emptyCallNs?.median;
  const low = Math.min(price ?? Number.POSITIVE_INFINITY, ...points.map(({ p50 }) => p50)) * 0.7;
  const high = Math.max(...points.map(({ p50 }) => p50)) * 2;
  const place = { x: "calls", y: "p50" } as const;
  return Plot.plot({
    width,
    height: narrow ? 560 : 600,
    marginLeft: 56,
    marginRight: 12,
    marginBottom: 44,
    marginTop: 16,
    style,
    ariaLabel: "System calls of a round trip against its latency",
    ariaDescription: "Every figure of this chart is in the table of the arithmetic below.",
    x: {
      domain: [-most * 0.04, most * (narrow ? 1.05 : 1.12)],
    },
    y: { type: "log", domain: [low, high], label: null },
    color: colour,
    marks: [
      Plot.gridY(decades(low, high), { strokeOpacity: 0.12 }),
      Plot.axisX({
        ticks: Math.min(Math.ceil(most), narrow ? 6 : 12),
        tickFormat: crossings,
        tickSize: 4,
        label: "system calls in a round trip, both sides",
        labelAnchor: "center",
        labelArrow: "none",
      }),
      Plot.axisY(decades(low, high), { tickFormat: onAxis(duration), tickSize: 0, label: null }),
      Plot.line(price === undefined ? [] : floorLine(price, most), {
        ...place,
        strokeDasharray: "4 3",
        strokeOpacity: 0.8,
      }),
      Plot.text(price === undefined || narrow ? [] : [{ calls: most, p50: price * most }], {
        ...place,
        text: () => "empty system call × crossings",
        textAnchor: "end",
        dy: 28,
      }),
      Plot.dot(points, { ...place, fill: "family", r: 5, stroke: "var(--surface)" }),
      names(points),
      Plot.tip(points, Plot.pointer({ ...place, title: describe, ...tipStyle })),
    ],
  });
}

function pointsOf(race: Race, runner: Runner): Point[] {
  return rowsOf(race, runner).flatMap((row) => {
    const calls = callsOf(row.callsPerRoundTrip);
    const p50 = roundTripOf(row)?.p50;
    if (calls === undefined || p50 === undefined || !carriesMessages(row)) return [];
    return [{ row, family: row.family, calls, p50 }];
  });
}

/** The price of the crossings alone; dense, as it is bent on the log axis. */
function floorLine(price: number, most: number) {
  const first = Math.min(1, most / 4);
  return Array.from({ length: 61 }, (_, index) => {
    const calls = first + ((most - first) * index) / 60;
    return { calls, p50: price * calls };
  });
}

function names(points: readonly Point[]): Plot.RenderFunction {
  return (_, { x, y }, __, { width, height, marginLeft, marginBottom, marginTop }) => {
    const wanted = points.map((point) => ({
      item: point,
      x: x?.(point.calls) ?? 0,
      y: y?.(point.p50) ?? 0,
      width: textWidth(point.row.name, isOurs(point.row)),
    }));
    const placed = placeNames(wanted, {
      left: marginLeft + 2,
      right: width - 2,
      top: marginTop,
      bottom: height - marginBottom,
    });
    return svg(
      "g",
      { fill: "currentColor", "text-anchor": "start", "aria-hidden": "true" },
      placed.flatMap(nameOf),
    );
  };
}

function nameOf({ item, x, y, left, middle, side, width }: PlacedName<Point>): SVGElement[] {
  const weight = isOurs(item.row) ? 700 : 400;
  const text = svg(
    "text",
    { ...halo, x: left, y: middle, dy: "0.32em", "font-weight": weight },
    item.row.name,
  );
  const end = side === "right" ? left - 2 : left + width + 2;
  const beside = Math.abs(middle - y) < 4 && Math.abs(end - x) < 12;
  if (beside) return [text];
  const line = {
    x1: x,
    y1: y,
    x2: end,
    y2: middle,
    stroke: "currentColor",
    "stroke-opacity": 0.45,
  };
  return [svg("line", line), text];
}

function describe({ row, calls, p50 }: Point): string {
  return `${row.name}\np50: ${duration(p50)}\nsystem calls: ${crossings(calls)}`;
}
