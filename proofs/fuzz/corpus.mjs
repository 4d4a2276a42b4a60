// The inputs that fuzzing keeps for a target, in one file: for each its length, a little-endian u32, and
// its bytes. They are in the order of their bytes and none is there twice, so that the same inputs always
// make the same file. replay.zig reads it too.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const prefixBytes = 4;

/**
 * @param {string} file
 * @returns {Buffer[]} None when there is no such file.
 * @throws {Error} When it is not what `writeCorpus` writes.
 */
export function readCorpus(file) {
  const bytes = readOrEmpty(file);
  /** @type {Buffer[]} */
  const inputs = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + prefixBytes;
    const end = start <= bytes.length ? start + bytes.readUInt32LE(at) : start;
    if (end > bytes.length)
      throw corrupt(file, inputs.length, at, "goes beyond the end of the file");
    const input = bytes.subarray(start, end);
    const before = inputs.at(-1);
    if (before !== undefined && Buffer.compare(before, input) >= 0)
      throw corrupt(file, inputs.length, at, "does not come after the one before it");
    inputs.push(input);
    at = end;
  }
  return inputs;
}

/**
 * Whoever is killed meanwhile leaves the file as it was.
 *
 * @param {string} file
 * @param {readonly Buffer[]} inputs
 */
export function writeCorpus(file, inputs) {
  const sorted = inputs
    .toSorted(Buffer.compare)
    .filter((input, index, all) => index === 0 || !all[index - 1]?.equals(input));
  const parts = sorted.flatMap((input) => {
    const prefix = Buffer.alloc(prefixBytes);
    prefix.writeUInt32LE(input.length);
    return [prefix, input];
  });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, Buffer.concat(parts));
  renameSync(`${file}.new`, file);
}

/** @param {string} file */
function readOrEmpty(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}

/**
 * @param {string} file
 * @param {number} index
 * @param {number} at
 * @param {string} what
 */
function corrupt(file, index, at, what) {
  return new Error(`${file} is corrupt: input ${index}, at byte ${at}, ${what}`);
}
