/** The report as one page that needs nothing but itself. */
import { readFile } from "node:fs/promises";
import { families, runnerName, runners } from "../reading.ts";
import { bytes } from "../report/format.ts";
import { circumstances } from "../report/report.ts";
import type { Table } from "../report/table.ts";
import { leftOut, legend, mainTables, otherTables } from "../report/tables.ts";
import type { Race } from "../result.ts";
import { bundleCharts } from "./bundle.ts";
import { headline } from "./headline.ts";
import { html, Markup, scriptJson } from "./markup.ts";

export async function renderPage(race: Race): Promise<string> {
  const style = await readFile(new URL("page.css", import.meta.url), "utf8");
  return composePage(race, style, await bundleCharts());
}

/** The policy forbids every request, so that the page shows everywhere what it shows here. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

export function composePage(race: Race, style: string, script: string): string {
  const { roundTripSize, oneWaySize } = race.settings;
  const missing = leftOut(race);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Counting the crossings</title>
<style>
${new Markup(style)}</style>
</head>
<body>
<header>
<h1>Counting the crossings</h1>
<p class="headline">${headline(race)}</p>
${circumstances(race).map((line) => html`<p class="muted">${line}</p>\n`)}</header>
<main>
<noscript><p>The charts need JavaScript. Every figure is in the tables as well.</p></noscript>
${chart("latency", "How long a round trip takes", [
  `${bytes(roundTripSize)} there and back. Further left is faster, and each step of the axis is ten times the one before.`,
  "A line begins at the fastest round trip; its dots, the largest first, are p50, p90, p99 and p99.9, the ring the slowest.",
])}${mainTables(race).map(tableMarkup)}<p class="muted">${legend}</p>
${chart("one-way", "Messages each second, one way", [
  `Messages of ${bytes(oneWaySize)}. The whiskers go from the 10th to the 90th percentile of the blocks.`,
])}${chart("sweep", "How much gets through, by size", [
  "Small messages are bound by the price of each message, large ones by the copying. Point at a dot, or touch it, for its figures.",
])}<section id="figures">
<h2>More figures</h2>
${otherTables(race).map(tableMarkup)}${
  missing.length > 0 &&
  html`<h3>Left out</h3>
<ul>
${missing.map((line) => html`<li>${line}</li>\n`)}</ul>
`
}</section>
</main>
<script type="application/json" id="race">${scriptJson(race)}</script>
<script>${new Markup(script)}</script>
</body>
</html>
`.text;
}

/** An empty frame, with a choice of the runner: the page's script draws into it. */
function chart(name: string, title: string, explanations: readonly string[]): Markup {
  return html`<section id="${name}">
<h2>${title}</h2>
${explanations.map((text) => html`<p>${text}</p>\n`)}<figure data-chart="${name}">
<fieldset>
<legend>Measured in</legend>
${runners.map(
  (runner, index) =>
    html`<label><input type="radio" name="${name}-runner" value="${runner}"${index === 0 && html` checked`}>${runnerName[runner]}</label>\n`,
)}</fieldset>
<ul class="legend" aria-label="Colours">${families.map(
    (family) =>
      html`<li><i style="background:var(--${family.replaceAll(" ", "-")})"></i>${family}</li>`,
  )}</ul>
<div class="canvas"></div>
</figure>
</section>
`;
}

/** Scrolls sideways in a frame of its own, with the first column in place. */
function tableMarkup({ title, notes, columns, rows }: Table): Markup {
  return html`<div class="scroll" role="region" aria-label="${title}" tabindex="0">
<table>
<caption>${title}${notes.length > 0 && html`<small>${notes.join("; ")}</small>`}</caption>
<thead><tr>${columns.map(({ heading, align }) => html`<th scope="col" class="${align}">${heading}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (cells) =>
    html`<tr>${columns.map(({ align }, index) => html`<td class="${align}">${cells[index]}</td>`)}</tr>\n`,
)}</tbody>
</table>
</div>
`;
}
