/** Where there is no library for this system, or not this one, the first use says so. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { environment, root } from "../../scripts/environment.mjs";
import { temporaryFolder } from "../support/folder.ts";

const run = promisify(execFile);
const isBun = "Bun" in globalThis;
const folders = temporaryFolder();
let folderCount = 0;

/** A folder with parts of the repository. */
function folderWith(...parts: string[]): string {
  const folder = join(folders, String(folderCount++));
  mkdirSync(folder);
  for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true });
  return folder;
}

/** Runs a program in this runtime and returns what it prints. */
async function output(folder: string, program: string): Promise<string> {
  const file = join(folder, "program.ts");
  writeFileSync(file, program);
  const args = isBun ? [file] : ["run", "--allow-all", "--no-check", "--no-config", file];
  const { stdout } = await run(isBun ? "bun" : "deno", args, { env: environment, timeout: 30_000 });
  return stdout;
}

/** Imports the library of `folder`, which must not throw, prints that, then what the first use throws. */
function firstUse(folder: string, before = ""): string {
  const index = JSON.stringify(pathToFileURL(join(folder, "src/index.ts")).href);
  return `
    import process from "node:process";
    ${before}
    const { Consumer, SystemError } = await import(${index});
    console.log("imported");
    try {
      Consumer.listenSync("@nobody", { timeout: 0 });
    } catch (error) {
      console.log(error instanceof SystemError, error.code, error.message);
    }`;
}

test("on another operating system the import works and the first use says what is supported", async () => {
  const elsewhere = `Object.defineProperty(process, "platform", { value: "darwin" });`;
  const printed = await output(folderWith(), firstUse(root, elsewhere));
  assert.match(printed, /^imported\ntrue ERR_ZEROCROSS_SYSTEM .*linux-x64 and linux-arm64/);
  assert.match(printed, /this is darwin-/);
});

test("a library of another version is refused, with both numbers and the cure", async () => {
  const folder = folderWith("src", "ffi", "lib");
  const table = join(folder, "ffi/table.ts");
  const text = readFileSync(table, "utf8");
  const abi = Number(/abi: (\d+)/.exec(text)?.[1]);
  writeFileSync(table, text.replace(`abi: ${abi}`, `abi: ${abi + 1}`));
  const printed = await output(folder, firstUse(folder));
  assert.match(printed, new RegExp(`libzerocross.so has ABI ${abi}, .* needs ${abi + 1}`));
  assert.match(printed, /install the package again/);
});

test("a library that is not there is named", async () => {
  const folder = folderWith("src", "ffi");
  const printed = await output(folder, firstUse(folder));
  assert.match(printed, /^imported\ntrue ERR_ZEROCROSS_SYSTEM .*could not load.*libzerocross\.so/);
});

const asRoot = process.geteuid?.() === 0 ? false : "only root can mount a folder noexec";
if (asRoot !== false) console.log(`skipped: ${asRoot}`);
test("in a folder mounted noexec the error says so, and what to do", { skip: asRoot }, async () => {
  const folder = folderWith();
  const program = firstUse(folder);
  const command = [isBun ? "bun" : "deno", ...(isBun ? [] : ["run", "-A", "--no-check"])];
  const script = `
    mount -t tmpfs -o noexec none "$1" && cd ${root} && cp -r src ffi lib "$1" &&
    cat > "$1/program.ts" && exec ${command.join(" ")} "$1/program.ts"`;
  const child = run("unshare", ["--mount", "sh", "-c", script, "sh", folder], { env: environment });
  child.child.stdin?.end(program);
  const { stdout } = await child;
  const file = join(folder, `lib/linux-${process.arch}/libzerocross.so`);
  assert.match(stdout, new RegExp(`^imported\ntrue ERR_ZEROCROSS_SYSTEM .*\\(${file}\\)`));
  assert.match(stdout, /mounted noexec.*node_modules elsewhere/);
});

const noSleeper = isBun ? false : "only Bun needs a worker to wait for an event loop";
if (noSleeper !== false) console.log(`skipped: ${noSleeper}`);
test("a worker that a bundler left out is named, and nothing waits for ever", {
  skip: noSleeper,
}, async () => {
  const folder = folderWith("src", "ffi", "lib");
  rmSync(join(folder, "ffi/bun-waiter.ts"));
  const index = JSON.stringify(pathToFileURL(join(folder, "src/index.ts")).href);
  const program = `
    import process from "node:process";
    const { Consumer } = await import(${index});
    try {
      await Consumer.listen("@zerocross-no-sleeper-" + process.pid);
    } catch ({ name, message }) {
      console.log(name, message);
      process.exit(3);
    }`;
  await assert.rejects(
    output(folder, program),
    ({ code, stdout }: { code?: number; stdout?: string }) => {
      assert.equal(code, 3);
      assert.match(
        stdout ?? "",
        /SystemError .*could not start the worker .*ffi\/bun-waiter\.ts.*bundler/,
      );
      return true;
    },
  );
});
