import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a comment of the model quotes: a whole line of a file anywhere in zig/, trimmed. */
const reference = /\/\* ([a-z_]+\.zig): (.*) \*\/$/;

/**
 * The lines of code that the models stand for and that are not in the code any more, as messages.
 *
 * @param {string} models The folder of the models.
 * @param {string} code The folder of the code.
 */
export function checkReferences(models, code) {
  /** @type {Map<string, Set<string>>} */
  const files = new Map();
  const paths = pathsByName(code);
  const missing = [];
  let count = 0;
  for (const name of readdirSync(models).filter((file) => file.endsWith(".pml"))) {
    const lines = readFileSync(join(models, name), "utf8").split("\n");
    for (const [index, line] of lines.entries()) {
      const [, file, quoted] = reference.exec(line) ?? [];
      if (file === undefined || quoted === undefined) continue;
      count += 1;
      const known = files.get(file) ?? trimmedLines(paths.get(file));
      files.set(file, known);
      if (known.has(quoted)) continue;
      missing.push(
        `${name}:${index + 1} stands for a line that ${file} does not have:\n    ${quoted}`,
      );
    }
  }
  return { count, missing };
}

/**
 * Each file by its name alone, which no other file of the tree has.
 *
 * @param {string} folder
 */
function pathsByName(folder) {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return new Map(entries.map(({ name, parentPath }) => [name, join(parentPath, name)]));
}

/** @param {string | undefined} path */
function trimmedLines(path) {
  const text = path === undefined ? "" : readFileSync(path, "utf8");
  return new Set(text.split("\n").map((line) => line.trim()));
}
