// What `lines.zig` and `runtime.zig` know of a binary: its places, and which of them were met.

import { chmodSync, readFileSync, writeFileSync } from "node:fs";

/**
 * @typedef {object} Place Where code begins: a line of the core, and a column in it.
 * @property {string} file
 * @property {number} line
 * @property {number} column
 * @property {boolean} isMet
 */

/**
 * @param {string} path Of the map; the places' own file is beside it.
 * @returns {Place[]}
 */
export function readPlaces(path) {
  const { met } = openMap(path);
  const lines = readFileSync(path.replace(/\.map$/, ".places"), "utf8")
    .trimEnd()
    .split("\n");
  return lines.map((text, index) => {
    const [file = "", line, column] = text.split(":");
    return { file, line: Number(line), column: Number(column), isMet: met[index] !== 0 };
  });
}

/** @param {string} path Of a map, in which nothing was met from then on. */
export function forgetPlaces(path) {
  const { bytes, met } = openMap(path);
  met.fill(0);
  writeFileSync(path, bytes);
  // For processes that are nobody's, too.
  chmodSync(path, 0o666);
}

/** @param {string} path */
function openMap(path) {
  const bytes = readFileSync(path);
  const count = bytes.readUInt32LE(0);
  return { bytes, met: bytes.subarray(4 + 4 * count) };
}
