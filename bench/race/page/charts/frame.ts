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

export const style = { fontSize: `${fontSize}px`, fontFamily: "inherit", overflow: "visible" };

/** The colours themselves are in page.css, where they follow light and dark. */
export const colour: Plot.ScaleOptions = {
  type: "categorical",
  domain: [...families],
  range: families.map((family) => `var(--${family.replaceAll(" ", "-")})`),
};

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

/** Ours stand out, the names of all others are plain. */
export function isOurs(row: Row): boolean {
  return row.family === "ring";
}

/** One line for each row, its name beside it or, where there is no room, above it. */
export interface RowFrame {
  readonly marginLeft: number;
  readonly rowHeight: number;
  /** From the middle of a row to the line that is drawn in it. */
  readonly lineOffset: number;
  names(rows: readonly Row[]): Plot.Markish[];
}

export function rowFrame(rows: readonly Row[], width: number, height = 24): RowFrame {
  const narrow = isNarrow(width);
  const widest = Math.max(0, ...rows.map((row) => textWidth(row.name, isOurs(row))));
  const placed = narrow
    ? { frameAnchor: "left", textAnchor: "start", dy: -9, dx: 4 }
    : { frameAnchor: "left", textAnchor: "end", dx: -12 };
  const named = (some: readonly Row[], fontWeight: number) =>
    Plot.text(some, {
      y: "id",
      text: "name",
      fontWeight,
      ...textHalo,
      ...placed,
    } as Plot.TextOptions);
  return {
    marginLeft: narrow ? 2 : Math.ceil(widest) + 20,
    rowHeight: narrow ? height + 14 : height,
    lineOffset: narrow ? 8 : 0,
    names: (all) => [
      named(all.filter(isOurs), 700),
      named(
        all.filter((row) => !isOurs(row)),
        400,
      ),
    ],
  };
}

const canvas = document.createElement("canvas").getContext("2d");

/** Pixels. */
export function textWidth(text: string, bold = false): number {
  if (canvas === null) return text.length * fontSize * 0.6;
  const { fontFamily } = getComputedStyle(document.body);
  canvas.font = `${bold ? 700 : 400} ${fontSize}px ${fontFamily}`;
  return canvas.measureText(text).width;
}

/** The powers of ten between two values. */
export function decades(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low));
  const last = Math.floor(Math.log10(high));
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

/** The same as in the tables, without zeros that an axis does not need: 1 µs, not 1.00 µs. */
export function onAxis(format: (value: number) => string): (value: number) => string {
  return (value) => format(value).replace(/\.0+(?=\D)|(?<=\.\d*[1-9])0+(?=\D)/, "");
}
