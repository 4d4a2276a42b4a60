/** The report as one page that needs nothing but itself. */
import { readFile } from "node:fs/promises";
import type { Race } from "../result.ts";
import { bundleCharts } from "./bundle.ts";
import { headline } from "./headline.ts";
import { html, Markup, scriptJson } from "./markup.ts";
import { sectionsOf } from "./sections.ts";

export async function renderPage(race: Race): Promise<string> {
  const style = await readFile(new URL("page.css", import.meta.url), "utf8");
  return composePage(race, style, await bundleCharts());
}

/** The policy forbids every request, so that the page shows everywhere what it shows here. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

export function composePage(race: Race, style: string, script: string): string {
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
<p class="muted">${machineLine(race)}</p>
${race.quick && html`<p class="warning">A quick run: it shows that everything works. Its figures do not count.</p>`}
</header>
<main>
<noscript><p class="warning">The charts need JavaScript. Every figure is in the tables as well.</p></noscript>
${sectionsOf(race)}</main>
<script type="application/json" id="race">${scriptJson(race)}</script>
<script>${new Markup(script)}</script>
</body>
</html>
`.text;
}

function machineLine({ machine }: Race): string {
  const { processor, cores, kernel, bun, deno, date } = machine;
  const day = date.slice(0, 16).replace("T", " ");
  const denoVersion = deno.replace(/^deno (\S+).*$/, "$1");
  return `${processor}, ${cores} cores, Linux ${kernel}, Bun ${bun}, Deno ${denoVersion}. ${day} UTC.`;
}
