/// <reference lib="dom" />

/** Text keeps clear of what it crosses. */
export const halo = {
  stroke: "var(--surface)",
  "stroke-width": 3,
  "stroke-linejoin": "round",
  "paint-order": "stroke",
} as const;

/** An element that stands in a chart beside those that the library draws. */
export function svg(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  children: string | readonly SVGElement[] = [],
): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (typeof children === "string") element.textContent = children;
  else element.append(...children);
  return element;
}
