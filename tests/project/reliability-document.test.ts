/** The figures of docs/reliability.md are those of the runs in proofs/results. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const page = readFileSync(new URL("../../docs/reliability.md", import.meta.url), "utf8");

interface Soak {
  readonly seconds: number;
  readonly killed: number;
  readonly loads: readonly {
    readonly name: string;
    readonly messages: number;
    readonly connections: number;
    readonly windows: readonly Percentiles[];
  }[];
}

/** Microseconds. */
interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

interface Model {
  readonly seconds: number;
  readonly results: readonly { readonly states: number; readonly mutant?: string }[];
}

function resultOf<Result>(name: string): Result {
  const file = new URL(`../../proofs/results/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Result;
}

function whole(figure: number): string {
  return Math.round(figure).toLocaleString("en-US");
}

function assertRow(...cells: readonly string[]): void {
  const row = `| ${cells.join(" | ")} |`;
  assert.ok(page.includes(row), `the page has no row "${row}"`);
}

test("what the runs have left takes a line each", () => {
  const folder = new URL("../../proofs/results/", import.meta.url);
  for (const name of readdirSync(folder)) {
    const text = readFileSync(new URL(name, folder), "utf8");
    assert.equal(text.indexOf("\n"), text.length - 1, name);
    assert.ok(text.length <= 256 * 1024, name);
  }
});

test("the soak's figures are those of its run", () => {
  const { seconds, killed, loads } = resultOf<Soak>("soak");
  const messages = loads.reduce((sum, load) => sum + load.messages, 0);
  const connections = (name: string) => loads.find((load) => load.name === name)?.connections ?? 0;
  assertRow("messages checked", `${whole(messages)} in ${whole(seconds)} s`);
  assertRow("visitors killed by SIGKILL or SIGTERM", whole(killed));
  assertRow(
    "channels closed and opened again; connections of visitors",
    `${whole(connections("reopen"))}; ${whole(connections("visitors"))}`,
  );
  for (const [name, title] of [
    ["ping", "round trip"],
    ["rpc", "`callSync`"],
  ]) {
    const windows = loads.find((load) => load.name === name)?.windows ?? [];
    assertRow(`${title}, p50, p99, p99.9: start`, percentiles(windows.at(0)));
    assert.ok(page.includes(`| the same at the end | ${percentiles(windows.at(-1))} |`));
  }
});

function percentiles(window: Percentiles | undefined): string {
  assert.ok(window);
  const milliseconds = (microseconds: number) => `${(microseconds / 1000).toFixed(1)} ms`;
  return `${Math.round(window.p50)} µs, ${milliseconds(window.p99)}, ${milliseconds(window.p999)}`;
}

test("the model's figures are those of its run", () => {
  const { seconds, results } = resultOf<Model>("model");
  const models = results.filter(({ mutant }) => mutant === undefined);
  const largest = Math.max(...models.map(({ states }) => states));
  assert.ok(page.includes(`| ${models.length} scenes of four models | ${whole(largest)} |`));
  assert.ok(page.includes(`| ${results.length - models.length} mutants: `));
  assert.ok(page.includes(`in ${whole(seconds)} s (\`proofs/results/model.json\`)`));
});

for (const [runtime, name] of Object.entries({ Bun: "api-bun", Deno: "api-deno" })) {
  test(`the number of random calls in ${runtime} is that of the run`, () => {
    const { calls, seconds } = resultOf<{ calls: number; seconds: number }>(name);
    assert.ok(page.includes(`| ${runtime} | ${whole(calls)} |`));
    assert.ok(page.includes(`${whole(seconds)} s`));
  });
}

test("what was fuzzed is what the runs say", () => {
  interface Fuzz extends Record<"executions" | "edges" | "inputs" | "crashes", number> {
    readonly target: string;
  }
  for (const found of resultOf<{ results: readonly Fuzz[] }>("fuzz").results) {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${found.target}\` |`));
    const figures = [found.executions, found.edges, found.inputs].map(whole);
    assert.deepEqual(row?.split(" | ").slice(2), [...figures.slice(0, 2), `${figures[2]} |`]);
    assert.equal(found.crashes, 0);
  }
});

test("the lines that were reached are those of the runs", () => {
  type Core = readonly Record<"lines" | "reached", number>[];
  const core = resultOf<Core>("coverage-zig");
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  const lines = sum(core.map(({ lines }) => lines));
  const reached = sum(core.map(({ reached }) => reached));
  assert.ok(page.includes(`| ${whole(lines)} | ${whole(reached)} |`));
  const source = resultOf<Record<"lines" | "covered", number>>("coverage-src");
  assert.ok(page.includes(`| ${whole(source.lines)} | ${whole(source.covered)} |`));
});

interface Threads {
  readonly runs: readonly {
    readonly build: string;
    readonly totals: Record<"messages" | "calls" | "reports" | "handles", number>;
  }[];
}

test("what went between threads is what the runs say", () => {
  for (const { build, totals } of resultOf<Threads>("threads").runs) {
    const { messages, calls, reports, handles } = totals;
    assertRow(build, ...[messages, calls, reports, handles].map(whole), "nothing wrong");
  }
});

interface Times {
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

function times({ median, p99, max }: Times, perMillisecond: number): string {
  return [median, p99, max].map((time) => `${(time / perMillisecond).toFixed(1)} ms`).join(", ");
}

test("kills and stops by a native survivor are those of the run", () => {
  interface Chaos extends Record<"kills" | "stops" | "stormed" | "faults", number> {
    readonly fromSignalUs: Times;
  }
  const { kills, stops, stormed, faults, fromSignalUs } = resultOf<Chaos>("chaos");
  const struck = [kills, stops, stormed].map(whole);
  assertRow("native", ...struck, times(fromSignalUs, 1000), whole(faults));
});

for (const [runtime, name] of Object.entries({ Bun: "chaos-bun", Deno: "chaos-deno" })) {
  test(`kills and stops by a survivor in ${runtime} are those of the run`, () => {
    interface Chaos {
      readonly struck: Record<"kill" | "stop" | "storm", number>;
      readonly noticedMs: Times;
    }
    const { struck, noticedMs } = resultOf<Chaos>(name);
    const numbers = [struck.kill, struck.stop, struck.storm].map(whole);
    assertRow(`${runtime}; victims in both`, ...numbers, times(noticedMs, 1), "0");
  });
}
