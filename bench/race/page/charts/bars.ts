/// <reference lib="dom" />
import * as Plot from "@observablehq/plot";
import { oneWayOf, rowsOf, sortedBy } from "../../reading.ts";
import type { Figure, Row } from "../../result.ts";
import { duration, perSecond } from "../units.ts";
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

type Bar = Row & Figure;

interface Look {
  readonly ariaLabel: string;
  readonly format: (value: number) => string;
}

const millisecond = 1e6;

export function drawOneWay({ race, runner, width }: Drawing) {
  const bars = rowsOf(race, runner).flatMap((row): Bar[] => {
    const oneWay = oneWayOf(row);
    return oneWay === undefined ? [] : [{ ...row, ...oneWay.messagesPerSecond }];
  });
  return drawBars(
    sortedBy(bars, (bar) => -bar.median),
    width,
    {
      ariaLabel: "Messages each second, one way, by mechanism",
      format: perSecond,
    },
  );
}

export function drawHandover({ race, width }: Drawing) {
  const bars = race.rows.flatMap((row): Bar[] =>
    row.handover === undefined ? [] : [{ ...row, ...row.handover.milliseconds }],
  );
  return drawBars(
    sortedBy(bars, (bar) => bar.median),
    width,
    {
      ariaLabel: "Time of the handover of a large block",
      format: (milliseconds) => duration(milliseconds * millisecond),
    },
  );
}

function drawBars(bars: readonly Bar[], width: number, { ariaLabel, format }: Look) {
  if (bars.length === 0) return undefined;
  const narrow = isNarrow(width);
  const ticks = Math.ceil(width / 150);
  const { marginLeft, rowHeight, lineOffset: dy, names } = rowFrame(bars, width);
  const half = (rowHeight - 2 * dy) / 2;
  const insets = { insetTop: half - 6 + 2 * dy, insetBottom: half - 6 };
  const whisker = { y: "id", dy, stroke: "currentColor", strokeOpacity: 0.75 } as const;
  const end = { insetTop: rowHeight / 2 - 4, insetBottom: rowHeight / 2 - 4 };
  const figure = {
    text: (bar: Bar) => format(bar.median),
    textAnchor: "end",
    ...textHalo,
    dx: narrow ? 0 : 78,
  } as const;
  return Plot.plot({
    width,
    height: 34 + bars.length * rowHeight,
    marginLeft,
    marginRight: narrow ? 14 : 84,
    marginTop: 8,
    marginBottom: 26,
    style,
    ariaLabel,
    ariaDescription: "Every figure of this chart is in a table below.",
    x: {
      domain: [0, Math.max(...bars.map(({ p90, median }) => Math.max(p90, median)))],
      label: null,
    },
    y: { type: "band", domain: bars.map((bar) => bar.id), padding: 0, axis: null },
    color: colour,
    marks: [
      Plot.gridX({ ticks, strokeOpacity: 0.12 }),
      Plot.axisX({ ticks, tickFormat: onAxis(format), tickSize: 0, label: null }),
      Plot.barX(bars, { x: "median", y: "id", fill: "family", fillOpacity: 0.85, ...insets }),
      Plot.ruleY(bars, { ...whisker, x1: "p10", x2: "p90" }),
      Plot.tickX(bars, { ...whisker, ...end, x: "p10" }),
      Plot.tickX(bars, { ...whisker, ...end, x: "p90" }),
      Plot.ruleX([0]),
      ...names(bars),
      Plot.text(bars, {
        ...figure,
        y: "id",
        frameAnchor: "right",
        dy: narrow ? -9 : 0,
        fontWeight: 600,
      }),
      Plot.tip(bars, Plot.pointerY({ x: "median", y: "id", dy, title: describe, ...tipStyle })),
    ],
  });

  function describe(bar: Bar): string {
    return `${bar.name}\nmedian: ${format(bar.median)}\np10 to p90: ${format(bar.p10)} to ${format(bar.p90)}`;
  }
}
