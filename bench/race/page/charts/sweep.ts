/// <reference lib="dom" />
import * as Plot from "@observablehq/plot";
import { bytesPerSecond, rowsOf, sweepOf } from "../../reading.ts";
import type { Race, Runner } from "../../result.ts";
import { isHighlighted } from "../highlights.ts";
import { byteRate, byteSize, perSecond } from "../units.ts";
import { apart } from "./apart.ts";
import {
  colour,
  type Drawing,
  decades,
  isNarrow,
  onAxis,
  style,
  textWidth,
  tipStyle,
} from "./frame.ts";
import { svg } from "./svg.ts";

interface Point {
  readonly id: string;
  readonly name: string;
  readonly family: string;
  readonly size: number;
  readonly rate: number;
  readonly messages: number;
}

/** The points of one mechanism, from the smallest size to the largest. */
interface StrongLine {
  readonly own: readonly Point[];
  readonly end: Point;
  readonly dash: string;
}

const keyLineHeight = 16;
/** Lines of one family have one colour: these tell them apart. */
const dashes = ["none", "7 3", "2 3", "9 3 2 3"];

export function drawSweep({ race, runner, width }: Drawing) {
  const points = pointsOf(race, runner);
  if (points.length === 0) return undefined;
  const narrow = isNarrow(width);
  const faint = points.filter(({ id }) => !isHighlighted(id));
  const lines = strongLines(points.filter(({ id }) => isHighlighted(id)));
  const nameWidth = Math.max(20, ...lines.map(({ end }) => textWidth(end.name, true)));
  const keyHeight = narrow ? lines.length * keyLineHeight + 8 : 0;
  const rates = points.map(({ rate }) => rate);
  const [low, high] = [Math.min(...rates), Math.max(...rates)];
  const place = { x: "size", y: "rate", z: "id" } as const;
  return Plot.plot({
    width,
    height: (narrow ? 380 : 480) + keyHeight,
    marginLeft: 62,
    marginRight: narrow ? 16 : nameWidth + 24,
    marginBottom: 44 + keyHeight,
    marginTop: 12,
    style,
    ariaLabel: "Throughput by size of the message",
    ariaDescription: "Every figure of this chart is in the table of throughput by size below.",
    x: { type: "log", base: 2, domain: sizeDomain(points) },
    y: { type: "log", domain: [low, high], label: null },
    color: colour,
    marks: [
      Plot.gridY(decades(low, high), { strokeOpacity: 0.12 }),
      Plot.axisX(sizeTicks(race.settings.sizes, narrow), {
        tickFormat: byteSize,
        tickSize: 4,
        label: narrow ? null : "size of a message",
        labelAnchor: "center",
        labelArrow: "none",
      }),
      Plot.axisY(decades(low, high), { tickFormat: onAxis(byteRate), tickSize: 0, label: null }),
      Plot.line(faint, { ...place, stroke: "family", strokeWidth: 1, strokeOpacity: 0.45 }),
      ...lines.flatMap(({ own, dash: strokeDasharray }) => [
        Plot.line(own, { ...place, stroke: "family", strokeWidth: 2.5, strokeDasharray }),
        Plot.dot(own, { ...place, fill: "family", r: 2.5 }),
      ]),
      narrow ? key(lines) : names(lines),
      Plot.tip(points, Plot.pointer({ x: "size", y: "rate", title: describe, ...tipStyle })),
    ],
  });
}

function pointsOf(race: Race, runner: Runner): Point[] {
  return rowsOf(race, runner).flatMap((row) => {
    const { id, name, family } = row;
    return sweepOf(row).map((entry): Point => {
      const rate = bytesPerSecond(entry);
      return { id, name, family, size: entry.size, rate, messages: entry.messagesPerSecond.median };
    });
  });
}

function strongLines(points: readonly Point[]): StrongLine[] {
  const byId = Map.groupBy(points, ({ id }) => id);
  const seen = new Map<string, number>();
  return [...byId.values()].flatMap((own) => {
    const end = own.at(-1);
    if (end === undefined) return [];
    const before = seen.get(end.family) ?? 0;
    seen.set(end.family, before + 1);
    return [{ own, end, dash: dashes[before % dashes.length] ?? "none" }];
  });
}

/** At the right edge, each as near to the end of its line as the others let it. */
function names(lines: readonly StrongLine[]): Plot.RenderFunction {
  return (_, { x, y, color }, __, { width, height, marginRight, marginTop, marginBottom }) => {
    const edge = width - marginRight;
    const ends = lines.map(({ end }) => y?.(end.rate) ?? 0);
    const placed = apart(ends, keyLineHeight, marginTop, height - marginBottom);
    const children = lines.flatMap(({ end }, index) => {
      const middle = placed[index] ?? 0;
      const from = (x?.(end.size) ?? edge) + 3;
      const leader = { x1: from, y1: ends[index] ?? 0, x2: edge + 16, y2: middle };
      return [
        svg("line", { ...leader, stroke: color?.(end.family) ?? "currentColor" }),
        nameAt(edge + 20, middle, end),
      ];
    });
    return svg("g", { "text-anchor": "start", "aria-hidden": "true" }, children);
  };
}

/** Below the chart, where there is no room beside it. */
function key(lines: readonly StrongLine[]): Plot.RenderFunction {
  return (_, { color }, __, { height }) => {
    const children = lines.flatMap(({ end, dash }, index) => {
      const middle = height - (lines.length - index - 0.5) * keyLineHeight;
      const sample = { x1: 4, x2: 34, y1: middle, y2: middle, "stroke-width": 2.5 };
      const stroke = color?.(end.family) ?? "currentColor";
      return [
        svg("line", { ...sample, stroke, "stroke-dasharray": dash }),
        nameAt(42, middle, end),
      ];
    });
    return svg("g", { "text-anchor": "start", "aria-hidden": "true" }, children);
  };
}

function nameAt(x: number, y: number, { name, family }: Point): SVGElement {
  const weight = family === "ring" ? 700 : 400;
  return svg("text", { x, y, dy: "0.32em", fill: "currentColor", "font-weight": weight }, name);
}

function sizeDomain(points: readonly Point[]): [number, number] {
  const sizes = points.map(({ size }) => size);
  return [Math.min(...sizes), Math.max(...sizes)];
}

function sizeTicks(sizes: readonly number[], narrow: boolean): number[] {
  const every = Math.ceil(sizes.length / (narrow ? 4 : 10));
  return sizes.filter((_, index) => index % every === 0);
}

function describe({ name, size, rate, messages }: Point): string {
  return `${name}\n${byteSize(size)}: ${byteRate(rate)}\n${perSecond(messages)}`;
}
