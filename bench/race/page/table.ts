/** Tables that scroll sideways in a frame of their own, with the first column in place. */
import { html, Markup } from "./markup.ts";
import { range } from "./units.ts";

export type Cell = string | number | Markup | undefined;

export interface TableGroup {
  /** Stands over the rows; without it they follow the headings at once. */
  readonly name?: string | undefined;
  readonly rows: readonly { readonly head: Cell; readonly cells: readonly Cell[] }[];
}

export interface TableContent {
  readonly caption: string;
  readonly headings: readonly string[];
  readonly groups: readonly TableGroup[];
  /** The columns of words, which are set to the left and may break; the others are figures. */
  readonly words?: readonly string[];
}

export function table({ caption, headings, groups, words = [] }: TableContent): Markup {
  const columnClass = (heading: string | undefined) =>
    new Markup(words.includes(heading ?? "") ? ' class="words"' : "");
  const filled = groups.filter((group) => group.rows.length > 0);
  if (filled.length === 0) return html`<p class="muted">${caption}: nothing was measured.</p>`;
  const bodies = filled.map(
    ({ name, rows }) => html`<tbody>
${name !== undefined && html`<tr class="group"><th colspan="${headings.length}" scope="rowgroup"><span>${name}</span></th></tr>\n`}${rows.map(
  ({ head, cells }) =>
    html`<tr><th scope="row">${head}</th>${cells.map((cell, index) => html`<td${columnClass(headings[index + 1])}>${cell ?? absent}</td>`)}</tr>\n`,
)}</tbody>
`,
  );
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
<table>
<caption>${caption}</caption>
<thead><tr>${headings.map((heading) => html`<th scope="col"${columnClass(heading)}>${heading}</th>`)}</tr></thead>
${bodies}</table>
</div>`;
}

const absent = html`<span class="muted">–</span>`;

/** A figure, and under it what it was at other moments of the run. */
export function withSpread(
  { median, p10, p90 }: { readonly median: number; readonly p10: number; readonly p90: number },
  format: (value: number) => string,
): Markup {
  return html`${format(median)}<small>${range(p10, p90, format)}</small>`;
}
