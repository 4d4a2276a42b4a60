/** HTML put together so that no text of a result can end up as markup. */

export class Markup {
  constructor(readonly text: string) {}
}

type Part = string | number | Markup | readonly Part[] | undefined | false;

/** A template in which everything put in is escaped, but what is markup already. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const text = strings.map((string, index) => string + render(parts[index])).join("");
  return new Markup(text);
}

/** JSON for a script element: no tag ends in it. */
export function scriptJson(value: unknown): Markup {
  const round = (key: string, part: unknown) => {
    if (key === "blocks") return undefined;
    return typeof part === "number" && !Number.isInteger(part) ? Number(part.toPrecision(6)) : part;
  };
  return new Markup(JSON.stringify(value, round).replaceAll("<", "\\u003c"));
}

function render(part: Part): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Markup) return part.text;
  if (Array.isArray(part)) return part.map(render).join("");
  return escapeText(String(part));
}

function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
