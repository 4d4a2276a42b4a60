/**
 * As much of a document as Plot needs to draw: elements that can be nested and written out. No
 * runtime of ours has one.
 */
const svgNamespace = "http://www.w3.org/2000/svg";

class SvgElement {
  readonly ownerDocument: SvgDocument;
  readonly tagName: string;
  readonly namespaceURI = svgNamespace;
  readonly #attributes = new Map<string, string>();
  readonly #children: (SvgElement | string)[] = [];
  readonly style = {
    setProperty: (name: string, value: unknown) => {
      const before = this.getAttribute("style");
      this.setAttribute("style", `${before === null ? "" : `${before};`}${name}:${value}`);
    },
  };

  constructor(ownerDocument: SvgDocument, tagName: string) {
    this.ownerDocument = ownerDocument;
    this.tagName = tagName;
  }

  getAttribute(name: string): string | null {
    return this.#attributes.get(name) ?? null;
  }

  setAttribute(name: string, value: unknown): void {
    this.#attributes.set(name, String(value));
  }

  removeAttribute(name: string): void {
    this.#attributes.delete(name);
  }

  appendChild(child: SvgElement): SvgElement {
    this.#children.push(child);
    return child;
  }

  insertBefore(child: SvgElement, next: SvgElement | null): SvgElement {
    const at = next === null ? this.#children.length : this.#children.indexOf(next);
    this.#children.splice(at, 0, child);
    return child;
  }

  get firstChild(): SvgElement | string | null {
    return this.#children[0] ?? null;
  }

  set textContent(text: string) {
    this.#children.splice(0, this.#children.length, text);
  }

  /** As it stands in a file. */
  toString(): string {
    const attributes = [...this.#attributes].map(([name, value]) => ` ${name}="${escaped(value)}"`);
    const children = this.#children.map((child) => {
      return typeof child === "string" ? escaped(child) : child.toString();
    });
    return `<${this.tagName}${attributes.join("")}>${children.join("")}</${this.tagName}>`;
  }
}

export class SvgDocument {
  readonly documentElement = new SvgElement(this, "svg");

  createElementNS(_namespace: string, name: string): SvgElement {
    return new SvgElement(this, name);
  }
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
