import { callsOf, oneWayOf, roundTripOf, rowOf, runnerName } from "../reading.ts";
import type { Race, Row, Runner } from "../result.ts";
import { type Choice, choicesOf } from "./choices.ts";
import { html, type Markup } from "./markup.ts";
import { crossings, duration, perSecond } from "./units.ts";

/** The usual needs in a line each, and below them all choices with their reasons. */
export function choiceList(race: Race): Markup {
  const choices = choicesOf(race);
  const usual = choices.filter(({ need }) => need !== undefined);
  return html`<dl class="short">
${usual.map((choice) => html`<div><dt>${choice.need}</dt><dd>${inShort(race, choice)}</dd></div>\n`)}</dl>
<div class="choices">
${choices.map((choice) => choiceArticle(race, choice))}</div>`;
}

function inShort(race: Race, { title, finding, ids }: Choice): string {
  if (ids.length === 0) return finding === undefined ? title : `${title}. ${finding}`;
  const figures = ids.flatMap((id) => {
    const row = rowOf(race, id);
    const roundTrip = roundTripOf(row);
    if (row === undefined || roundTrip === undefined) return [];
    return `${duration(roundTrip.p50)} ${inRunner[row.runner]}`;
  });
  return figures.length === 0 ? title : `${title}: ${figures.join(", ")}`;
}

const inRunner: Readonly<Record<Runner, string>> = {
  native: "natively",
  bun: "in Bun",
  deno: "in Deno",
};

function choiceArticle(race: Race, { title, use, price, finding, ids }: Choice): Markup {
  return html`<article>
<h3>${title}</h3>
<p>${use}</p>
<p><b>Price:</b> ${price}</p>
${finding !== undefined && html`<p>${finding}</p>`}
${choiceFigures(race, ids)}
</article>
`;
}

function choiceFigures(race: Race, ids: readonly string[]): Markup | undefined {
  const rows = ids
    .flatMap((id) => rowOf(race, id) ?? [])
    .filter((row) => roundTripOf(row) !== undefined);
  if (rows.length === 0) return undefined;
  const sameRunner = new Set(rows.map(({ runner }) => runner)).size < rows.length;
  const head = (row: Row) => (sameRunner ? row.name : runnerName[row.runner]);
  return html`<table class="figures">
<thead><tr><td></td><th scope="col">Round trip</th><th scope="col">System calls</th><th scope="col">CPU time</th><th scope="col">One way</th></tr></thead>
<tbody>${rows.map((row) => {
    const roundTrip = roundTripOf(row);
    const oneWay = oneWayOf(row);
    const calls = callsOf(row.callsPerRoundTrip);
    return html`<tr><th scope="row">${head(row)}</th><td>${roundTrip && duration(roundTrip.p50)}</td><td>${calls === undefined ? "not counted" : crossings(calls)}</td><td>${roundTrip && duration(roundTrip.cpuNs)}</td><td>${oneWay === undefined ? "–" : perSecond(oneWay.messagesPerSecond.median)}</td></tr>`;
  })}</tbody>
</table>`;
}
