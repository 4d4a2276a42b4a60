/// <reference lib="dom" />
/** The page's script: draws each chart into its figure, again when its width or its runner changes. */
import type { Race, Runner } from "../../result.ts";
import { drawOneWay } from "./bars.ts";
import type { Drawing } from "./frame.ts";
import { drawLatency } from "./latency.ts";
import { drawSweep } from "./sweep.ts";

type Draw = (drawing: Drawing) => Element | undefined;

const charts: Record<string, Draw> = {
  latency: drawLatency,
  sweep: drawSweep,
  "one-way": drawOneWay,
};

/** Pixels. On what is narrower a chart is scrolled. */
const leastWidth = 640;

const race = JSON.parse(document.querySelector("#race")?.textContent ?? "") as Race;

for (const figure of document.querySelectorAll<HTMLElement>("[data-chart]")) {
  const draw = charts[figure.dataset.chart ?? ""];
  const canvas = figure.querySelector<HTMLElement>(".canvas");
  if (draw !== undefined && canvas !== null) keepDrawn(figure, canvas, draw);
}

function keepDrawn(figure: HTMLElement, canvas: HTMLElement, draw: Draw): void {
  let width = 0;
  const redraw = () => {
    const chosen = figure.querySelector<HTMLInputElement>("input:checked")?.value;
    const chart = draw({ race, runner: chosen as Runner, width });
    chart?.setAttribute("role", "img");
    canvas.replaceChildren(chart ?? "Nothing was measured here.");
  };
  figure.addEventListener("change", redraw);
  new ResizeObserver(() => {
    const room = Math.max(leastWidth, canvas.clientWidth);
    if (room === width) return;
    width = room;
    redraw();
  }).observe(canvas);
}
