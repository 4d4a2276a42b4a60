import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { environment, root } from "../../scripts/environment.mjs";

/** As much as is asked here of what `npm pack --json` prints. */
interface Tarball {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

const scratch = mkdtempSync(join(tmpdir(), "zerocross-package-"));
/** A folder of a user, where the package is installed. */
const project = join(scratch, "project");
after(() => rmSync(scratch, { recursive: true }));

/** The README's examples. */
const programs = ["receiver.ts", "sender.ts", "server.ts", "client.ts"];

// Not in a `before` hook: Bun gives hooks five seconds, whatever the time limit of the tests.
const tarball = await pack();
await install();

test("the tarball holds what users need and nothing else", () => {
  assert.deepEqual(tarball.files.map((file) => file.path).sort(), [
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "dist/bun-waiter.js",
    "dist/index.d.ts",
    "dist/index.js",
    "lib/linux-arm64/libzerocross.so",
    "lib/linux-x64/libzerocross.so",
    "package.json",
  ]);
});

test("the tarball is smaller than 500 KiB", () => {
  assert.ok(tarball.size < 500 * 1024, `${tarball.size} bytes`);
});

test("the installed package brings nothing along and runs nothing while it is installed", () => {
  const file = join(project, "node_modules", "zerocross", "package.json");
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  const kinds = ["dependencies", "optionalDependencies", "peerDependencies", "bundleDependencies"];
  assert.deepEqual(
    kinds.filter((kind) => kind in manifest),
    [],
  );
  const installScripts = ["preinstall", "install", "postinstall", "prepare"];
  assert.deepEqual(
    installScripts.filter((script) => script in manifest.scripts),
    [],
  );
});

test("the README's examples type-check against the installed package", {
  timeout: 60_000,
}, async () => {
  await run(project, ["deno", "check", ...programs]);
});

const bun = ["bun"];
const deno = ["deno", "run", "--allow-all"];
for (const { from, to } of [
  { from: bun, to: deno },
  { from: deno, to: bun },
]) {
  const name = `the README's example goes from ${from[0]} to ${to[0]} with the installed package`;
  test(name, { timeout: 60_000 }, async () => {
    const [received] = await Promise.all([
      run(project, [...to, "receiver.ts"]),
      run(project, [...from, "sender.ts"]),
    ]);
    assert.notEqual(received.trim(), "");
  });
}

for (const { from, to } of [
  { from: bun, to: deno },
  { from: deno, to: bun },
]) {
  const name = `the README's client in ${from[0]} asks its server in ${to[0]} with the installed package`;
  test(name, { timeout: 60_000 }, async () => {
    const [program = "", ...flags] = to;
    const server = spawn(program, [...flags, "server.ts"], { cwd: project, env: environment });
    try {
      assert.equal(await run(project, [...from, "client.ts"]), "6\n");
    } finally {
      server.kill("SIGKILL");
    }
  });
}

async function pack(): Promise<Tarball> {
  const options = ["--json", "--foreground-scripts=false", "--pack-destination", scratch];
  const [packed] = JSON.parse(await run(root, ["npm", "pack", ...options]));
  return packed;
}

/** Installs the tarball in the user's folder and writes the README's examples beside it. */
async function install(): Promise<void> {
  mkdirSync(project);
  await run(project, ["bun", "add", join(scratch, tarball.filename)]);
  const readme = readFileSync(join(root, "README.md"), "utf8");
  for (const file of programs) {
    writeFileSync(join(project, file), codeBlock(readme, file));
  }
}

/** The text of the README's code block whose fence says ```ts title="<title>". */
function codeBlock(markdown: string, title: string): string {
  const [, afterFence] = markdown.split(`\`\`\`ts title="${title}"\n`);
  assert.ok(afterFence !== undefined, `the README has no code block titled ${title}`);
  return afterFence.slice(0, afterFence.indexOf("```"));
}

/** Runs a command to its end and returns what it wrote to its standard output. */
async function run(cwd: string, [program = "", ...args]: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, {
    cwd,
    env: {
      ...environment,
      BUN_INSTALL_CACHE_DIR: join(scratch, "bun-cache"),
      npm_config_cache: join(scratch, "npm-cache"),
    },
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  return stdout;
}
