/// <reference lib="dom" />
/** The page's script: draws each chart into its figure, again when its width or its runner changes. */
import type { Race, Runner } from "../../result.ts";
import { drawHandover, drawOneWay } from "./bars.ts";
import { drawCrossings } from "./crossings.ts";
import type { Drawing } from "./frame.ts";
import { drawLatency } from "./latency.ts";
import { drawSweep } from "./sweep.ts";

const charts: Record<string, (drawing: Drawing) => Element | undefined> = {
  latency: drawLatency,
  sweep: drawSweep,
  crossings: drawCrossings,
  "one-way": drawOneWay,
  handover: drawHandover,
};

/** Pixels. Narrower than any screen: the figure is not shown, or not yet laid out. */
const leastWidth = 160;

const race = JSON.parse(document.querySelector("#race")?.textContent ?? "") as Race;

for (const figure of document.querySelectorAll<HTMLElement>("[data-chart]")) {
  const draw = charts[figure.dataset.chart ?? ""];
  const canvas = figure.querySelector<HTMLElement>(".canvas");
  if (draw !== undefined && canvas !== null) keepDrawn(figure, canvas, draw);
}

function keepDrawn(
  figure: HTMLElement,
  canvas: HTMLElement,
  draw: (drawing: Drawing) => Element | undefined,
): void {
  let width = 0;
  const redraw = () => {
    const chart = draw({ race, runner: chosenRunner(figure), width });
    chart?.setAttribute("role", "img");
    canvas.replaceChildren(chart ?? "Nothing was measured here.");
    showLegendOf(figure);
  };
  figure.addEventListener("change", redraw);
  new ResizeObserver(() => {
    const hidden = canvas.clientWidth < leastWidth;
    if (hidden || canvas.clientWidth === width) return;
    width = canvas.clientWidth;
    redraw();
  }).observe(canvas);
}

/** Of the families that appear in the chosen runner. */
function showLegendOf(figure: HTMLElement): void {
  for (const entry of figure.querySelectorAll<HTMLElement>("[data-runners]")) {
    entry.hidden = !entry.dataset.runners?.split(" ").includes(chosenRunner(figure));
  }
}

function chosenRunner(figure: HTMLElement): Runner {
  const chosen = figure.querySelector<HTMLInputElement>("input:checked")?.value;
  return (chosen ?? figure.dataset.runner ?? "native") as Runner;
}
