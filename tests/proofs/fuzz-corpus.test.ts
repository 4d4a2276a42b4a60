/** The file that a fuzzing target keeps its inputs in. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readCorpus, writeCorpus } from "../../proofs/fuzz/corpus.mjs";
import { temporaryPaths } from "../support/folder.ts";

const newPath = temporaryPaths();
const folder = fileURLToPath(new URL("../../proofs/fuzz/corpus/", import.meta.url));

test("the same inputs make the same file, and come out of it again", () => {
  const [one, two] = [newPath(), newPath()];
  const inputs = ["", "a", "ab", "b"].map((text) => Buffer.from(text));
  writeCorpus(one, inputs);
  writeCorpus(two, [...inputs, ...inputs].reverse());
  assert.deepEqual(readFileSync(two), readFileSync(one));
  assert.deepEqual(readCorpus(one), inputs);
});

test("a file that is not whole, or out of order, is refused by name", () => {
  const file = newPath();
  const refuse = (bytes: readonly number[], what: string) => {
    writeFileSync(file, Buffer.from(bytes));
    assert.throws(() => readCorpus(file), { message: `${file} is corrupt: ${what}` });
  };
  const first = [1, 0, 0, 0, 7];
  refuse([...first, 1, 0], "input 1, at byte 5, goes beyond the end of the file");
  refuse([...first, 2, 0, 0, 0, 8], "input 1, at byte 5, goes beyond the end of the file");
  refuse([...first, ...first], "input 1, at byte 5, does not come after the one before it");
});

test("every target has a file of at most 256 KiB that writing it again does not change", () => {
  const names = readdirSync(folder);
  assert.equal(names.length, 5);
  for (const name of names) {
    const again = newPath();
    const inputs = readCorpus(join(folder, name));
    assert.notEqual(inputs.length, 0);
    writeCorpus(again, inputs);
    assert.deepEqual(readFileSync(again), readFileSync(join(folder, name)));
    assert.ok(statSync(again).size <= 256 * 1024);
  }
});
