/** The sections of the page, in their order. Charts are empty frames here: the page's script draws them. */

import {
  callsOf,
  carriesMessages,
  families,
  oneWayOf,
  roundTripOf,
  rowsOf,
  runnerName,
  runners,
  sweepOf,
  whyNotCounted,
} from "../reading.ts";
import type { Family, Race, Row } from "../result.ts";
import { choiceList } from "./choice-list.ts";
import { html, type Markup } from "./markup.ts";
import { methodList } from "./method.ts";
import {
  arithmeticTable,
  costTable,
  fullTable,
  goalsTable,
  microTable,
  sweepTable,
} from "./tables.ts";
import { byteSize, duration } from "./units.ts";

export function sectionsOf(race: Race): (Markup | undefined | false)[] {
  const { roundTripSize, oneWaySize } = race.settings;
  return [
    section("choose", "Which to use when", choiceList(race)),
    section(
      "latency",
      "How long a round trip takes",
      html`
<p>${byteSize(roundTripSize)} there and back. Further left is faster, and each step of the axis is ten times the one before.</p>
${anatomy}
${chart(race, "latency", (row) => roundTripOf(row) !== undefined)}`,
    ),
    section(
      "sweep",
      "How much gets through, by size",
      html`
<p>Bytes each second, one way. Small messages are bound by the price of each message, large ones by the copying.</p>
${chart(race, "sweep", (row) => sweepOf(row).length > 0, html`Strong lines carry their names; point at any, or touch it, for its name and figures.`)}`,
    ),
    section(
      "crossings",
      "Crossings against latency",
      html`
<p>The crossing count is the latency floor: the dashed line is the price of the system calls alone${
        race.emptyCallNs !== undefined &&
        html`, ${duration(race.emptyCallNs.median)} each for an empty one`
      }. What lies above it is mostly the wake-ups that those calls bring with them: scheduling, and cores that went to sleep.</p>
${chart(race, "crossings", (row) => counted(row), html`A name for which there is no room is left out: point at the dot, or look in the table.`)}
${notCounted(race)}
${arithmeticTable(race)}`,
    ),
    section(
      "one-way",
      "Messages each second, one way",
      html`
<p>Messages of ${byteSize(oneWaySize)}. The whiskers go from the 10th to the 90th percentile of the blocks.</p>
${chart(race, "one-way", (row) => oneWayOf(row) !== undefined)}`,
    ),
    handoverSection(race),
    race.micro.length > 0 &&
      section(
        "micro",
        "Single calls",
        html`
<p>What one call of the library takes in one process, without anybody on the other side.</p>
${microTable(race)}`,
      ),
    section(
      "cost",
      "What it costs in CPU time",
      html`
<p>Spinning is paid for in cores: a side that spins takes all of its core, whether messages come or not. A context switch that is voluntary is a process that went to sleep to wait.</p>
${costTable(race)}`,
    ),
    section(
      "figures",
      "All figures",
      html`
${fullTable(race)}
${sweepTable(race)}`,
    ),
    goalsSection(race),
    didNotRun(race),
    section("method", "How it was measured", methodList(race)),
  ];
}

function section(id: string, title: string, content: Markup): Markup {
  return html`<section id="${id}">
<h2>${title}</h2>
${content}
</section>
`;
}

/** An empty frame, with a choice of the runner where there are several. */
function chart(race: Race, name: string, drawn: (row: Row) => boolean, caption?: Markup): Markup {
  const drawnIn = runners.filter((runner) => rowsOf(race, runner).some(drawn));
  const first = drawnIn[0];
  if (first === undefined) return html`<p class="muted">Nothing was measured here.</p>`;
  const choice = html`<fieldset>
<legend>Measured in</legend>
${drawnIn.map(
  (runner) =>
    html`<label><input type="radio" name="${name}-runner" value="${runner}"${runner === first && html` checked`}>${runnerName[runner]}</label>\n`,
)}</fieldset>`;
  return html`<figure data-chart="${name}" data-runner="${first}">
${drawnIn.length > 1 && choice}
${legend(race, drawn)}
<div class="canvas"></div>
${caption !== undefined && html`<figcaption>${caption}</figcaption>`}
</figure>`;
}

function legend(race: Race, drawn: (row: Row) => boolean): Markup {
  const rows = race.rows.filter(drawn);
  const present = families.filter((family) => rows.some((row) => row.family === family));
  const runnersWith = (family: Family) => {
    const own = rows.filter((row) => row.family === family);
    return [...new Set(own.map(({ runner }) => runner))].join(" ");
  };
  return html`<ul class="legend" aria-label="Colours">${present.map(
    (family) =>
      html`<li data-runners="${runnersWith(family)}"><i style="background:var(--${family.replaceAll(" ", "-")})"></i>${family}</li>`,
  )}</ul>`;
}

/** How to read a line of the latency chart. */
const anatomy = html`<svg class="anatomy" viewBox="0 0 340 44" role="img" aria-label="A line begins at the fastest round trip; its dots are p50, p90, p99 and p99.9, its end p99.99; the ring is the slowest.">
<g stroke="currentColor"><path d="M20 14H270" stroke-width="1.5"/><path d="M70 14H170" stroke-width="4" stroke-opacity=".35"/><path d="M270 9V19" stroke-width="1.5"/><circle cx="318" cy="14" r="2.5" fill="none" stroke-opacity=".6"/></g>
<g fill="currentColor"><circle cx="70" cy="14" r="5.5"/><circle cx="115" cy="14" r="4"/><circle cx="170" cy="14" r="3"/><circle cx="220" cy="14" r="2"/></g>
<g fill="currentColor" font-size="11" text-anchor="middle"><text x="20" y="38">fastest</text><text x="70" y="38">p50</text><text x="115" y="38">p90</text><text x="170" y="38">p99</text><text x="220" y="38">p99.9</text><text x="270" y="38">p99.99</text><text x="318" y="38">slowest</text></g>
</svg>`;

function counted(row: Row): boolean {
  const measured = roundTripOf(row) !== undefined && callsOf(row.callsPerRoundTrip) !== undefined;
  return measured && carriesMessages(row);
}

function notCounted(race: Race): Markup | undefined {
  const names = new Map<string, string[]>();
  for (const row of race.rows) {
    const reason = whyNotCounted(row.callsPerRoundTrip);
    if (reason !== undefined) names.set(reason, [...(names.get(reason) ?? []), row.id]);
  }
  if (names.size === 0) return undefined;
  return html`<ul class="muted">
${[...names].map(([reason, ids]) => html`<li>not counted: ${reason}: ${ids.join(", ")}</li>\n`)}</ul>`;
}

function handoverSection(race: Race): Markup | undefined {
  const size = race.rows.find(({ handover }) => handover !== undefined)?.handover?.size;
  if (size === undefined) return undefined;
  return section(
    "handover",
    `Handing over ${Math.round(size / 1e6)} MB`,
    html`
<p>From a filled buffer of the sender's until the receiver has read all of it. Shorter is better.</p>
${chart(race, "handover", (row) => row.handover !== undefined)}`,
  );
}

function goalsSection(race: Race): Markup | undefined {
  const { goals } = race;
  if (goals.length === 0) return undefined;
  const reached = goals.filter((goal) => goal.reached).length;
  return section(
    "goals",
    "Goals",
    html`
<p>${reached} of ${goals.length} were reached.</p>
${goalsTable(goals)}`,
  );
}

function didNotRun({ rows }: Race): Markup | undefined {
  const missing = rows.flatMap(({ id, name, forbidden, failed }) => {
    const reason = forbidden ?? (failed === undefined ? undefined : `failed: ${failed}`);
    return reason === undefined ? [] : [{ id, name, reason }];
  });
  if (missing.length === 0) return undefined;
  return section(
    "did-not-run",
    "What did not run here",
    html`
<ul>
${missing.map(({ id, name, reason }) => html`<li>${name} (<code>${id}</code>): ${reason}</li>\n`)}</ul>`,
  );
}
