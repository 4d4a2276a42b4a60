/// <reference lib="dom" />
import * as Plot from "@observablehq/plot";
import { oneWayOf, rowsOf, sortedBy } from "../../reading.ts";
import { perSecond } from "../../report/format.ts";
import type { Figure, Row } from "../../result.ts";
import { type Drawing, onAxis, rowFrame, rowHeight, tipStyle } from "./frame.ts";

type Bar = Row & Figure;

/** Messages each second; the whiskers go from the 10th to the 90th percentile of the blocks. */
export function drawOneWay({ race, runner, width }: Drawing) {
  const measured = rowsOf(race, runner).flatMap((row): Bar[] => {
    const oneWay = oneWayOf(row);
    return oneWay === undefined ? [] : [{ ...row, ...oneWay.messagesPerSecond }];
  });
  if (measured.length === 0) return undefined;
  const bars = sortedBy(measured, (bar) => -bar.median);
  const ticks = Math.ceil(width / 150);
  const { layout, names, figures } = rowFrame(bars, width);
  const inset = rowHeight / 2 - 6;
  const insets = { insetTop: inset, insetBottom: inset };
  return Plot.plot({
    ...layout,
    ariaLabel: "Messages each second, one way, by mechanism",
    x: { domain: [0, Math.max(...bars.map(({ p90, median }) => Math.max(p90, median)))] },
    marks: [
      Plot.gridX({ ticks, strokeOpacity: 0.12 }),
      Plot.axisX({ ticks, tickFormat: onAxis(perSecond), tickSize: 0, label: null }),
      Plot.barX(bars, { x: "median", y: "id", fill: "family", fillOpacity: 0.85, ...insets }),
      Plot.ruleY(bars, { x1: "p10", x2: "p90", y: "id", marker: "tick" }),
      Plot.ruleX([0]),
      names,
      figures(bars, ({ median }) => perSecond(median)),
      Plot.tip(bars, Plot.pointerY({ x: "median", y: "id", title: describe, ...tipStyle })),
    ],
  });
}

function describe({ name, median, p10, p90 }: Bar): string {
  return `${name}\nmedian: ${perSecond(median)}\np10 to p90: ${perSecond(p10)} to ${perSecond(p90)}`;
}
