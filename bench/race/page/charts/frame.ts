/// <reference lib="dom" />
/** What all charts have in common: what they are drawn from, their colours, and the room for names. */
import * as Plot from "@observablehq/plot";
import { families } from "../../reading.ts";
import type { Race, Row, Runner } from "../../result.ts";

export interface Drawing {
  readonly race: Race;
  readonly runner: Runner;
  /** Pixels. */
  readonly width: number;
}

/** Below this the names stand above their lines instead of beside them. */
const narrowWidth = 640;
const fontSize = 12;

/** The colours themselves are in page.css, where they follow light and dark. */
export const common = {
  style: { fontSize: `${fontSize}px`, fontFamily: "inherit", overflow: "visible" },
  color: {
    type: "categorical",
    domain: [...families],
    range: families.map((family) => `var(--${family.replaceAll(" ", "-")})`),
  },
} as const satisfies Plot.PlotOptions;

export const tipStyle = {
  fill: "var(--surface)",
  stroke: "var(--line)",
  pathFilter: "none",
  fontSize,
  lineHeight: 1.35,
} as const;

/** Text keeps clear of the grid that it stands on. */
export const textHalo = { stroke: "var(--surface)", strokeWidth: 3, fill: "currentColor" } as const;

export function isNarrow(width: number): boolean {
  return width < narrowWidth;
}

/** One line for each row, its name beside it or, where there is no room, above it. */
export function rowFrame(rows: readonly Row[], width: number) {
  const narrow = isNarrow(width);
  const rowHeight = narrow ? 38 : 24;
  const widest = Math.max(0, ...rows.map(({ name }) => textWidth(name)));
  const place = narrow
    ? ({ textAnchor: "start", dy: -9, dx: 4 } as const)
    : ({ textAnchor: "end", dx: -12 } as const);
  return {
    rowHeight,
    /** From the middle of a row to the line that is drawn in it. */
    dy: narrow ? 8 : 0,
    layout: {
      ...common,
      width,
      height: 60 + rows.length * rowHeight,
      marginLeft: narrow ? 2 : Math.ceil(widest) + 20,
      marginRight: narrow ? 12 : 84,
      y: { type: "band", domain: rows.map(({ id }) => id), padding: 0, axis: null },
    } as const satisfies Plot.PlotOptions,
    names: Plot.text(rows, { y: "id", text: "name", frameAnchor: "left", ...textHalo, ...place }),
    /** The figure of each row, at the right edge. */
    figures: <Of extends Row>(of: readonly Of[], text: (row: Of) => string) =>
      Plot.text(of, {
        ...textHalo,
        y: "id",
        text,
        fontWeight: 600,
        frameAnchor: "right",
        textAnchor: "end",
        ...(narrow ? { dy: -9 } : { dx: 78 }),
      }),
  };
}

const canvas = document.createElement("canvas").getContext("2d");

/** Pixels. */
export function textWidth(text: string): number {
  if (canvas === null) return text.length * fontSize * 0.6;
  canvas.font = `${fontSize}px ${getComputedStyle(document.body).fontFamily}`;
  return canvas.measureText(text).width;
}

/** The same as in the tables, without zeros that an axis does not need: 1 µs, not 1.00 µs. */
export function onAxis(format: (value: number) => string): (value: number) => string {
  return (value) => format(value).replace(/\.0+(?=\D)|(?<=\.\d*[1-9])0+(?=\D)/, "");
}
