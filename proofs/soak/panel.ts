/// <reference lib="dom" />
/** One panel of the chart: lines over time, each with its name at its end. */
import * as Plot from "@observablehq/plot";
import { apart } from "../../bench/race/page/charts/apart.ts";
import { SvgDocument } from "./svg-document.ts";

/** Pixels. */
export const panelSize = { width: 440, height: 270 };
const nameHeight = 12;

export interface Line {
  /** None: it is one of many, which their colour tells apart well enough. */
  readonly name?: string;
  readonly colour: string;
  /** As in `stroke-dasharray`. */
  readonly dash?: string;
  readonly points: readonly { readonly minutes: number; readonly value: number }[];
}

export interface Look {
  readonly title: string;
  /** Where the lines may end. */
  readonly minutes: number;
  readonly log?: boolean;
  readonly format: (value: number) => string;
}

export function drawPanel(
  lines: readonly Line[],
  { title, minutes, log = false, format }: Look,
): string {
  const values = lines.flatMap(({ points }) => points.map(({ value }) => value));
  // A soak that was interrupted early has nothing to show here.
  if (values.length === 0) return "";
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const steps = log ? decades(low, high) : undefined;
  const plot = Plot.plot({
    // Plot asks for no more of a document than this one has.
    document: new SvgDocument() as unknown as Document,
    ...panelSize,
    marginTop: 30,
    marginLeft: 58,
    marginRight: 92,
    marginBottom: 34,
    style: "font-size: 11px",
    ariaLabel: title,
    x: { domain: [0, minutes] },
    y: steps
      ? { type: "log", domain: [steps[0], steps.at(-1)] }
      : { domain: [0, high], nice: true },
    marks: [
      Plot.gridY({ strokeOpacity: 0.12, ticks: steps ?? 5 }),
      Plot.axisX({
        label: "minutes",
        labelAnchor: "center",
        labelArrow: "none",
        tickSize: 4,
        ticks: 6,
      }),
      Plot.axisY({ ticks: steps ?? 5, tickFormat: format, tickSize: 0, label: null }),
      ...lines.map(({ points, colour: stroke, dash = "none" }) => {
        const place = { x: "minutes", y: "value" } as const;
        return Plot.line(points, { ...place, stroke, strokeDasharray: dash, strokeWidth: 1.4 });
      }),
      Plot.text([title], { frameAnchor: "top-left", dy: -24, fontWeight: 700, fontSize: 12 }),
      names(lines.filter(({ name }) => name !== undefined)),
    ],
  });
  return String(plot);
}

/** The powers of ten from the one below `low` to the one above `high`. */
function decades(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

/** At the right edge, each as near to the end of its line as the others let it. */
function names(lines: readonly Line[]): Plot.RenderFunction {
  return (_, { y }, __, { width, height, marginRight, marginTop, marginBottom }) => {
    const document = new SvgDocument();
    const ends = lines.map(({ points }) => y?.(points.at(-1)?.value ?? 0) ?? 0);
    const placed = apart(ends, nameHeight, marginTop, height - marginBottom);
    const group = document.createElementNS("", "g");
    group.setAttribute("text-anchor", "start");
    lines.forEach(({ name = "", colour }, index) => {
      const text = document.createElementNS("", "text");
      text.setAttribute("x", width - marginRight + 6);
      text.setAttribute("y", placed[index]);
      text.setAttribute("dy", "0.32em");
      text.setAttribute("fill", colour);
      text.textContent = name;
      group.appendChild(text);
    });
    return group as unknown as SVGElement;
  };
}
