/** What `bench` says to what it cannot do, before anything runs. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { sum } from "simple-statistics";
import { secondsOfParts, wholeSeconds } from "../../bench/race/race.ts";
import { parseSettings } from "../../bench/race/settings.ts";
import { environment } from "../../scripts/environment.mjs";

const program = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "zerocross-"));
after(() => rmSync(folder, { recursive: true }));

const refusals: readonly { name: string; args: string[]; says: RegExp }[] = [
  {
    name: "a mechanism that there is not",
    args: ["--only", "process-sned"],
    says: /^No mechanism is called "process-sned"\. Did you mean process-send\? See --list for all\.\n$/,
  },
  {
    name: "a mechanism that there is not in a runner",
    args: ["--only", "native/ring-spni"],
    says: /^No mechanism is called "native\/ring-spni"\. Did you mean .*native\/ring-spin\b.*\? See/,
  },
  {
    name: "an empty name",
    args: ["--only", "native/pipe,"],
    says: /^No mechanism is called ""\. See --list for all\.\n$/,
  },
  { name: "an option that there is not", args: ["--quik"], says: /--quik/ },
  { name: "an argument too many", args: ["race"], says: /race/ },
  {
    name: "a payload that has no room for its number",
    args: ["--size", "3"],
    says: /^--size has "3"; expected bytes, 4 to 16777216\.\n$/,
  },
  {
    name: "a payload that is too large for all",
    args: ["--sizes", "64,16777217"],
    says: /^--sizes has "16777217"; expected bytes/,
  },
  {
    name: "a size that is no number",
    args: ["--sizes", "64,,128"],
    says: /^--sizes has ""; expected bytes/,
  },
  { name: "the same core twice", args: ["--cores", "0,0"], says: /^--cores is 0,0; expected two/ },
  { name: "three cores", args: ["--cores", "0,1,2"], says: /^--cores is 0,1,2; expected two/ },
  {
    name: "a core that the machine does not have",
    args: ["--cores", "0,4095"],
    says: /^--cores has 4095; this process may run on 0/,
  },
  {
    name: "a file in a folder that there is not",
    args: ["--json", join(folder, "none", "race.json")],
    says: /^--json: .*race\.json cannot be written: ENOENT/,
  },
  {
    name: "a folder in a file's place",
    args: ["--html", folder],
    says: /^--html: .* cannot be written: it is a folder/,
  },
];

for (const { name, args, says } of refusals) {
  test(`bench refuses ${name}, with exit code 2`, () => {
    const { status, stderr, stdout } = bench(...args);
    assert.match(stderr, says);
    assert.deepEqual({ status, stdout }, { status: 2, stdout: "" });
  });
}

test("bench leaves a file as it was when it refuses another one", () => {
  const json = join(folder, "race.json");
  const html = join(folder, "race.html");
  writeFileSync(json, "a race of old");
  const { status } = bench("--json", json, "--html", join(folder, "none", "race.html"));
  assert.equal(status, 2);
  assert.equal(readFileSync(json, "utf8"), "a race of old");
  assert.equal(bench("--html", html, "--json", join(folder, "none", "race.json")).status, 2);
  assert.equal(existsSync(html), false);
});

test("bench --list has every mechanism once", () => {
  const { status, stdout } = bench("--list");
  assert.equal(status, 0);
  const ids = [...stdout.matchAll(/^\S+/gm)].map(([id]) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ["native/pipe", "native/ring-spin", "bun/process-send", "deno/zerocross-rpc"]) {
    assert.ok(ids.includes(id), id);
  }
});

test("bench --help has every option", () => {
  const { status, stdout } = bench("--help");
  assert.equal(status, 0);
  const options = "only size sizes cores quick json html list help";
  for (const option of options.split(" ")) assert.match(stdout, new RegExp(`  --${option}\\b`));
});

function bench(...args: string[]) {
  return spawnSync("bun", [program, ...args], {
    env: environment,
    encoding: "utf8",
    timeout: 30_000,
  });
}

test("the whole race is planned to take less than five and a half minutes", () => {
  const settings = parseSettings([]);
  assert.ok(typeof settings === "object");
  const seconds = sum([...secondsOfParts(settings).values()]);
  assert.ok(seconds < wholeSeconds, `${seconds} s`);
});
