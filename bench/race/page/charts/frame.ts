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

export const rowHeight = 24;

/** One line for each row, with its name on the left. */
export function rowFrame(rows: readonly Row[], width: number) {
  const widest = Math.max(0, ...rows.map(({ name }) => textWidth(name)));
  const text = { y: "id", ...textHalo, textAnchor: "end" } as const;
  return {
    layout: {
      ...common,
      width,
      height: 60 + rows.length * rowHeight,
      marginLeft: Math.ceil(widest) + 20,
      marginRight: 84,
      y: { type: "band", domain: rows.map(({ id }) => id), padding: 0, axis: null },
    } as const satisfies Plot.PlotOptions,
    names: Plot.text(rows, { ...text, text: "name", frameAnchor: "left", dx: -12 }),
    /** The figure of each row, at the right edge. */
    figures: <Of extends Row>(of: readonly Of[], figure: (row: Of) => string) =>
      Plot.text(of, { ...text, text: figure, fontWeight: 600, frameAnchor: "right", dx: 78 }),
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
