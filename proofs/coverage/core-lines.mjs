// The lines of zig/ that have code in the library, and what is known of each.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {object} CoreFile
 * @property {string} name
 * @property {number} lines With code.
 * @property {number} reached
 * @property {number} places Lines and columns with code.
 * @property {number} placesReached
 * @property {Line[]} unreached
 * @property {string[]} absent Functions that the library has no code of.
 *
 * @typedef {{ number: number, text: string, reason: string | undefined }} Line
 * @typedef {Record<string, Record<string, string>>} Reasons By file and by the line's text.
 */

/**
 * What the library has code of counts; a line is reached where any binary came to it.
 *
 * @param {string} folder zig/
 * @param {import("./places.mjs").Place[]} library
 * @param {import("./places.mjs").Place[]} others
 * @param {Reasons} reasons
 * @returns {CoreFile[]}
 */
export function countLines(folder, library, others, reasons) {
  const met = new Set([...library, ...others].filter(({ isMet }) => isMet).flatMap(keysOf));
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  const sources = entries.filter(({ name }) => name.endsWith(".zig"));
  return sources.sort(byName).flatMap(({ name, parentPath }) => {
    const places = library.filter(({ file }) => file === name);
    if (places.length === 0) return [];
    const source = readFileSync(join(parentPath, name), "utf8").split("\n");
    // A brace alone has code where Zig has it trap what cannot come to it.
    const numbers = [...new Set(places.map(({ line }) => line))]
      .filter((number) => source[number - 1]?.trim() !== "}")
      .sort((a, b) => a - b);
    const columns = [...new Set(places.map((place) => keysOf(place)[1]))];
    const unreached = numbers.filter((number) => !met.has(`${name}:${number}`));
    return {
      name,
      lines: numbers.length,
      reached: numbers.length - unreached.length,
      places: columns.length,
      placesReached: columns.filter((key) => met.has(key)).length,
      unreached: unreached.map((number) => {
        const text = source[number - 1]?.trim() ?? "";
        return { number, text, reason: reasons[name]?.[text] };
      }),
      absent: absentFunctions(source, new Set(numbers)),
    };
  });
}

/**
 * @param {{ name: string }} a
 * @param {{ name: string }} b
 */
function byName(a, b) {
  return a.name < b.name ? -1 : 1;
}

/** @param {import("./places.mjs").Place} place */
function keysOf({ file, line, column }) {
  return /** @type {[string, string]} */ ([`${file}:${line}`, `${file}:${line}:${column}`]);
}

/**
 * Zig leaves out what nobody calls. Tests stand at the foot of a file, and are not the library's.
 *
 * @param {string[]} source
 * @param {Set<number>} numbers
 */
function absentFunctions(source, numbers) {
  const foot = source.findIndex((line) => /^(test\b|const (testing|support|expect) =)/.test(line));
  const end = foot < 0 ? source.length : foot;
  return source.slice(0, end).flatMap((line, start) => {
    const [, indent, name] = /^( *)(?:pub |export |inline |noinline )*fn (\w+)\(/.exec(line) ?? [];
    // What returns a type runs at compile time.
    if (name === undefined || line.endsWith(" type {")) return [];
    const size = source.slice(start).indexOf(`${indent}}`);
    const body = Array.from({ length: size + 1 }, (_, offset) => start + 1 + offset);
    return body.some((number) => numbers.has(number)) ? [] : [name];
  });
}
