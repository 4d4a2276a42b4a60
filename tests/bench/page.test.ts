import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { headline } from "../../bench/race/page/headline.ts";
import { composePage } from "../../bench/race/page/html.ts";
import type { Race, Row } from "../../bench/race/result.ts";
import { temporaryFolder } from "../support/folder.ts";
import { refused, syntheticRace } from "../support/synthetic-race.ts";

const folder = temporaryFolder();
const bytesMax = 600_000;

test("the page holds all that it shows, and asks nobody for anything", () => {
  const page = pageOf(syntheticRace());
  assert.ok(page.length < bytesMax, `${page.length} bytes`);
  assert.match(page, /Content-Security-Policy" content="default-src 'none';/);
  const markup = withoutScripts(page);
  assert.doesNotMatch(markup, /\b(src|href)=|url\(|@import|<link/);
  const script = scriptsOf(page).at(-1) ?? "";
  assert.match(script, /Latency of a round trip/);
  assert.doesNotMatch(script, /\bfetch\(|XMLHttpRequest|WebSocket\(|\bimport\(/);
});

test("names that look like markup break neither the page nor its data", () => {
  const name = '</script><b>pipe</b> & <!-- "quoted"';
  const race = change(syntheticRace(), "native/pipe", { name, note: name });
  const page = pageOf(race);
  const data = JSON.parse(dataOf(page)) as Race;
  assert.equal(data.rows.find(({ id }) => id === "native/pipe")?.name, name);
  assert.equal(scriptsOf(page).length, 2);
  assert.doesNotMatch(page, /<b>pipe/);
});

test("every mechanism is on the page, with the reason where it has no figures", () => {
  const race = syntheticRace();
  const page = composePage(race, "", "");
  const data = JSON.parse(dataOf(page)) as Race;
  assert.deepEqual(
    data.rows.map(({ id }) => id),
    race.rows.map(({ id }) => id),
  );
  const markup = withoutScripts(page);
  for (const { id, name } of race.rows) {
    assert.ok(markup.includes(`>${name}</td>`) || refused.has(id), name);
  }
  for (const reason of refused.values()) assert.ok(markup.includes(reason), reason);
  assert.match(markup, /Not counted \(native\/tcp\): perf_event_open: EACCES/);
  assert.match(markup, /takes 1024 bytes at most: not 16 KiB/);
  assert.match(markup, /Goals: 1 of 2 reached/);
});

test("the headline is made of what was measured", () => {
  const race = syntheticRace();
  const only = (...ids: string[]) =>
    headline({ ...race, rows: race.rows.filter(({ id }) => ids.includes(id)) });
  assert.match(
    headline(race),
    /^A round trip of 32 B takes 1\d\d ns over zerocross ring, spinning \(0 system calls\), 20\.1 µs over pipe \(4 system calls\)\.$/,
  );
  assert.match(only("native/pipe"), /takes 20\.1 µs over pipe \(4 system calls\)\.$/);
  assert.match(only("bun/zerocross-spin", "bun/net-unix"), /over zerocross Sync, spinning \(0/);
  assert.match(only("native/tcp"), /over TCP over loopback\.$/);
  assert.equal(only(), "No round trip was measured in this run.");
});

test("a page can be made of a race in which nothing ran", () => {
  const { emptyCallNs: _, ...race } = syntheticRace();
  const rows = race.rows.map(({ id, runner, name, family, waiting, copies }): Row => {
    return { id, runner, name, family, waiting, copies, forbidden: "not here" };
  });
  const nothing = { ...race, quick: true, bareLineNs: {}, rows, scenarios: [], goals: [] };
  const page = composePage(nothing, "", "");
  assert.match(page, /No round trip was measured/);
  assert.match(page, /Quick: just long enough/);
  assert.doesNotMatch(page, /NaN|Infinity|undefined/);
});

/** Made by Bun, as the bench makes it: the bundler of the page's script is Bun's. */
function pageOf(race: Race): string {
  const [input, output] = [join(folder, "race.json"), join(folder, "race.html")];
  writeFileSync(input, JSON.stringify(race));
  const program = fileURLToPath(new URL("../programs/bench-page.ts", import.meta.url));
  const { status, stderr } = spawnSync("bun", [program, input, output], {
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.equal(status, 0, stderr);
  return readFileSync(output, "utf8");
}

function change(race: Race, id: string, changes: Partial<Row>): Race {
  return { ...race, rows: race.rows.map((row) => (row.id === id ? { ...row, ...changes } : row)) };
}

function dataOf(page: string): string {
  return scriptsOf(page)[0] ?? "";
}

function scriptsOf(page: string): string[] {
  return [...page.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, text]) => text ?? "");
}

function withoutScripts(page: string): string {
  return page.replaceAll(/<script[^>]*>[\s\S]*?<\/script>/g, "");
}
