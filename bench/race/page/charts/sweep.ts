/// <reference lib="dom" />
import * as Plot from "@observablehq/plot";
import { rowsOf, sweepOf } from "../../reading.ts";
import { amount, bytes } from "../../report/format.ts";
import { apart } from "./apart.ts";
import { common, type Drawing, onAxis, textHalo, textWidth, tipStyle } from "./frame.ts";

interface Point {
  readonly id: string;
  readonly name: string;
  readonly family: string;
  readonly size: number;
  /** Bytes a second. */
  readonly rate: number;
}

const nameHeight = 15;
const [marginTop, marginBottom] = [12, 44];
const byteRate = (rate: number) => `${amount(rate)}B/s`;

/** Bytes a second by the size of a message. */
export function drawSweep({ race, runner, width }: Drawing) {
  const points = rowsOf(race, runner).flatMap((row) =>
    sweepOf(row).map(({ size, messagesPerSecond }): Point => {
      const { id, name, family } = row;
      return { id, name, family, size, rate: size * messagesPerSecond.median };
    }),
  );
  if (points.length === 0) return undefined;
  const ends = [...Map.groupBy(points, ({ id }) => id).values()].flatMap((own) => own.slice(-1));
  const height = Math.max(480, ends.length * nameHeight + 60);
  const nameWidth = Math.max(...ends.map(({ name }) => textWidth(name)));
  const place = { x: "size", y: "rate", z: "id" } as const;
  return Plot.plot({
    ...common,
    width,
    height,
    marginLeft: 62,
    marginRight: nameWidth + 32,
    marginTop,
    marginBottom,
    ariaLabel: "Throughput by size of the message",
    x: { type: "log", base: 2 },
    y: { type: "log", label: null },
    marks: [
      Plot.gridY({ ticks: 5, strokeOpacity: 0.12 }),
      Plot.axisX(race.settings.sizes, { tickFormat: bytes, tickSize: 4, label: null }),
      Plot.axisY({ ticks: 5, tickFormat: onAxis(byteRate), tickSize: 0, label: null }),
      Plot.line(points, { ...place, stroke: "family", strokeWidth: strength }),
      Plot.dot(points, { ...place, fill: "family", r: 2.5 }),
      ...names(ends, points, height),
      Plot.tip(points, Plot.pointer({ x: "size", y: "rate", title: describe, ...tipStyle })),
    ],
  });
}

function strength({ family }: Point): number {
  return family === "ring" ? 2.5 : 1.25;
}

/** At the right edge, each as near to the end of its line as the others let it. */
function names(ends: readonly Point[], points: readonly Point[], height: number): Plot.Markish[] {
  const rates = points.map(({ rate }) => Math.log(rate));
  const [low, high] = [Math.min(...rates), Math.max(...rates)];
  const room = height - marginTop - marginBottom;
  const wanted = ends.map(
    ({ rate }) => marginTop + (room * (high - Math.log(rate))) / (high - low),
  );
  const placed = apart(wanted, nameHeight, marginTop, height - marginBottom);
  return ends.map((end, index) =>
    Plot.text([end], {
      frameAnchor: "top-right",
      textAnchor: "start",
      text: "name",
      fontWeight: end.family === "ring" ? 700 : 400,
      dx: 12,
      dy: (placed[index] ?? 0) - marginTop - nameHeight / 2,
      ...textHalo,
      fill: "family",
    }),
  );
}

function describe({ name, size, rate }: Point): string {
  return `${name}\n${bytes(size)}: ${byteRate(rate)}\n${amount(rate / size)} messages/s`;
}
