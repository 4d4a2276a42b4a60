/** The house stays as docs/architecture.md draws it: floors, names, sizes, and documents that are true. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../../", import.meta.url));
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)));

const linesMax = 400;
const bytesMax = 256 * 1024;

/** From the top down: a file may import from its own folder and from those after it. */
const floors = {
  src: ["src/index", "src/rpc/", "src/channel/", "src/rendezvous/", "src/loop/", "src/", "ffi/"],
  zig: [
    "zig/library",
    "zig/core",
    "zig/abi/",
    "zig/rendezvous/",
    "zig/channel/",
    "zig/loop/",
    "zig/ring/",
    "zig/os/",
    "zig/failure",
  ],
};

/** Constants of the kernel that documents explain, and how README.md writes a family of names. */
const foreignNames = /^(F_SEAL|FUTEX|MADV|MAP|SO|SCM)_[A-Z_]+$|^(X|tryX|XSync)$/;

const product = files.filter((path) => /^(src|ffi|zig)\//.test(path));
const zigFiles = product.filter((path) => path.endsWith(".zig") && !isZigTest(path));
const imports = new Map(
  product.filter((path) => !isZigTest(path)).map((path) => [path, importsOf(path)]),
);

test("no circle among imports in src, ffi and zig", () => {
  assert.deepEqual([...imports.keys()].flatMap(circleFrom), []);
});

test("imports run down the floors", () => {
  const climbing = [...imports].flatMap(([from, targets]) =>
    targets
      .filter((to) => floorOf(to) < floorOf(from))
      .map((to) => `${from} imports ${to}, which is a floor above`),
  );
  assert.deepEqual(climbing, []);
});

test("no public name stands twice in zig", () => {
  const homes = new Map<string, string[]>();
  // core.zig hands out the names of others, and the build's programs each have a main.
  for (const path of zigFiles.filter((file) => file !== "zig/core.zig")) {
    for (const [, name = ""] of read(path).matchAll(
      /^pub (?:inline |noinline )?(?:const|var|fn) (\w+)/gm,
    )) {
      if (name !== "main") homes.set(name, [...(homes.get(name) ?? []), path]);
    }
  }
  assert.deepEqual(
    [...homes].filter(([, paths]) => paths.length > 1),
    [],
  );
});

test(`no file of src, ffi and zig has over ${linesMax} lines`, () => {
  const long = product.map((path) => [path, read(path).split("\n").length - 1] as const);
  assert.deepEqual(
    long.filter(([, lines]) => lines > linesMax),
    [],
  );
});

test(`no file of the repository has over ${bytesMax / 1024} KiB`, () => {
  const large = files.filter((path) => statSync(join(root, path)).size > bytesMax);
  assert.deepEqual(large, []);
});

test("bench is smaller than what it measures", () => {
  const linesOf = (paths: readonly string[]) =>
    paths.reduce((sum, path) => sum + read(path).split("\n").length - 1, 0);
  const bench = files.filter((path) => /^bench\/(?!results\/).*\.(ts|zig|mjs|css)$/.test(path));
  assert.ok(linesOf(bench) < linesOf(product), `${linesOf(bench)} to ${linesOf(product)} lines`);
});

test("every path that a document names exists", () => {
  const broken = documents().flatMap((document) =>
    [...linksOf(document), ...spansOf(document).filter(isPath)]
      .filter((path) => !isThere(path, document))
      .map((path) => `${document} names ${path}`),
  );
  assert.deepEqual(broken, []);
});

test("every symbol that a document names exists", () => {
  const words = wordsOfCode();
  const unknown = documents()
    .filter((document) => document !== "CHANGELOG.md")
    .flatMap((document) =>
      spansOf(document)
        .filter((span) => /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\(\))?$/.test(span))
        .filter((span) => !isThere(span, document))
        .filter((span) =>
          (span.match(/\w+/g) ?? []).some((word) => !words.has(word) && !foreignNames.test(word)),
        )
        .map((span) => `${document} names ${span}`),
    );
  assert.deepEqual(unknown, []);
});

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

function isZigTest(path: string): boolean {
  return /_(test|support|pair)\.zig$|^zig\/tests\.zig$/.test(path);
}

/** The files of the product that a file imports, types included. */
function importsOf(path: string): string[] {
  const specifiers = path.endsWith(".zig")
    ? [...withoutTests(read(path)).matchAll(/@import\("([^"]+\.zig)"\)/g)].map(([, to = ""]) => to)
    : ts.preProcessFile(read(path)).importedFiles.map(({ fileName }) => fileName);
  return specifiers
    .map((to) => normalize(join(dirname(path), to)))
    .filter((to) => product.includes(to) && !isZigTest(to));
}

/** Tests stand at the foot of a file, and may import what they like. */
function withoutTests(source: string): string {
  const foot = source.search(/^(test\b|const (testing|expect\w*) =)/m);
  return foot < 0 ? source : source.slice(0, foot);
}

/** The circle that leads back to `start`, written by its first file alone. */
function circleFrom(start: string): string[] {
  const queue = (imports.get(start) ?? []).map((to) => [start, to]);
  const seen = new Set<string>();
  for (const way of queue) {
    const last = way.at(-1) ?? "";
    if (last === start) return start === [...way].sort()[0] ? [way.join(" -> ")] : [];
    if (seen.has(last)) continue;
    seen.add(last);
    queue.push(...(imports.get(last) ?? []).map((to) => [...way, to]));
  }
  return [];
}

function floorOf(path: string): number {
  const house = path.startsWith("zig/") ? floors.zig : floors.src;
  const found = house.findIndex((floor) => path.startsWith(floor));
  assert.ok(found >= 0, `${path} stands on no floor: give it a folder`);
  return found;
}

function documents(): string[] {
  return files.filter((path) => path.endsWith(".md") && !path.startsWith(".github/"));
}

/** Without what is fenced off as a program. */
function proseOf(document: string): string {
  return read(document).replace(/^```.*?^```/gms, "");
}

function linksOf(document: string): string[] {
  return [...proseOf(document).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !target.includes("://"));
}

function spansOf(document: string): string[] {
  return [...proseOf(document).matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
}

function isPath(span: string): boolean {
  if (/[\s<>*{}$@:=()]/.test(span)) return false;
  const [top = ""] = span.split("/");
  const isInHouse = span.includes("/") && files.some((path) => path.startsWith(`${top}/`));
  return isInHouse || /^[\w./-]+\.(zig|ts|mjs|pml|md|svg|css)$/.test(span);
}

/** A path from the root, from the document's folder, or the name of a file wherever it stands. */
function isThere(path: string, document: string): boolean {
  const candidates = [path, join(dirname(document), path)].map((name) =>
    normalize(name).replace(/\/$/, ""),
  );
  return files.some(
    (file) =>
      candidates.some((name) => file === name || file.startsWith(`${name}/`)) ||
      basename(file) === path,
  );
}

/** Every word that stands in the code, the build and the settings. */
function wordsOfCode(): Set<string> {
  const sources = files.filter((path) => /\.(ts|mjs|zig|pml|json)$/.test(path));
  const isData = (path: string) => /results\/|package-lock/.test(path);
  return new Set(
    sources.filter((path) => !isData(path)).flatMap((path) => read(path).match(/\w+/g) ?? []),
  );
}
