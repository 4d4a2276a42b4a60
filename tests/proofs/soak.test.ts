/** The soak in a few seconds, and that it would find what it looks for. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Content, checkSmall, smallWordsMax, writeSmall } from "../../proofs/soak/content.ts";
import { Feeds, feedNumber, feedTypes } from "../../proofs/soak/feeds.ts";
import { loads } from "../../proofs/soak/loads.ts";
import type { Sample } from "../../proofs/soak/processes.ts";
import type { Observed } from "../../proofs/soak/soak.ts";
import { judge, type Verdict } from "../../proofs/soak/verdict.ts";
import { temporaryPaths } from "../support/folder.ts";
import { runtimePath, thisRuntime } from "../support/program.ts";

const newPath = temporaryPaths();
const bounds = { timeout: 60_000 };
const main = fileURLToPath(new URL("../../proofs/soak/main.ts", import.meta.url));

interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the soak; `signal` is sent when it says something first. */
function soak(args: readonly string[], signal?: NodeJS.Signals): Promise<Run> {
  const flags = thisRuntime === "deno" ? ["run", "--no-lock", "--no-check", "--allow-all"] : [];
  const child = spawn(runtimePath(thisRuntime), [...flags, main, ...args]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      // Of a child that was signalled by its object, Deno does not tell the exit code.
      if (output === "" && signal !== undefined) process.kill(child.pid as number, signal);
      output += chunk;
    });
  }
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, output })));
}

type Report = Observed & { readonly verdict: Verdict };

function read(file: string): Report {
  return JSON.parse(readFileSync(file, "utf8")) as Report;
}

function assertAllGone({ processes }: Report): void {
  for (const { pid, load } of processes) assert.ok(!existsSync(`/proc/${pid}`), `${load} is alive`);
}

test("every load moves messages, each of them right, and leaves nothing open", bounds, async () => {
  const [json, svg] = [newPath(), newPath()];
  const { code, output } = await soak(["--seconds", "3", "--json", json, "--svg", svg]);
  assert.equal(code, 0, output);
  const report = read(json);
  assert.deepEqual(report.verdict.faults, []);
  assert.deepEqual(
    report.loads.filter(({ messages }) => messages === 0),
    [],
  );
  assert.equal(report.processes.length, loads.flatMap(({ places }) => places).length);
  for (const { start, end } of report.processes) {
    assert.ok(start !== undefined && end !== undefined);
    assert.equal(end.mappings, start.mappings);
  }
  assert.ok(report.killed > 0);
  assertAllGone(report);
  const picture = readFileSync(svg, "utf8");
  assert.match(picture, /^<svg .*<\/svg>\n$/s);
  assert.ok(picture.length < 60_000, `${picture.length} bytes`);
});

test("Ctrl-C ends it in order, with a report", bounds, async () => {
  const json = newPath();
  const { code, output } = await soak(["--seconds", "20", "--json", json], "SIGINT");
  assert.equal(code, 130, output);
  const report = read(json);
  assert.equal(report.interrupted, true);
  assert.deepEqual(report.verdict.faults, []);
  assertAllGone(report);
});

test("the command line is checked, and explained", async () => {
  const explained = await soak(["--help"]);
  assert.equal(explained.code, 0);
  assert.match(explained.output, /--minutes N/);
  for (const [args, said] of [
    [["--minutes", "0"], "--minutes is 0; expected a number greater than 0"],
    [["--minutes", "1", "--seconds", "1"], "both given"],
    [["--hours", "1"], "--hours"],
  ] as const) {
    const { code, output } = await soak(args);
    assert.equal(code, 2);
    assert.ok(output.includes(said), output);
  }
});

test("a small message that lost, gained or changed a bit anywhere is found", () => {
  const words = new Uint32Array(smallWordsMax);
  for (let number = 0; number < 50; number++) {
    const length = writeSmall(words, 0, number);
    checkSmall(words, 0, 4 * length, number);
    const mismatch = { name: "MismatchError", message: new RegExp(`^message ${number}: the `) };
    for (const size of [4 * length - 1, 4 * length + 4]) {
      assert.throws(() => checkSmall(words, 0, size, number), mismatch);
    }
    for (let bit = 0; bit < 32 * length; bit++) {
      const at = bit >> 5;
      words[at] = (words[at] as number) ^ (1 << (bit & 31));
      assert.throws(() => checkSmall(words, 0, 4 * length, number), mismatch);
      words[at] = (words[at] as number) ^ (1 << (bit & 31));
    }
    assert.throws(() => checkSmall(words, 0, 4 * length, number + 1), { name: "MismatchError" });
  }
});

test("a message of any other load is found to be wrong by its type, its size and each of its bytes", () => {
  const content = new Content(7, 1, 100);
  for (let number = 0; number < 100; number++) {
    const bytes = content.message(number).slice();
    content.check(number, bytes, number);
    const mismatch = { name: "MismatchError", message: new RegExp(`^message ${number}: `) };
    assert.throws(() => content.check(number, bytes, number + 1), mismatch);
    assert.throws(() => content.check(number, bytes.subarray(1), number), mismatch);
    for (let at = 0; at < bytes.length; at++) {
      bytes[at] = (bytes[at] as number) ^ 0x80;
      assert.throws(() => content.check(number, bytes, number), mismatch);
      bytes[at] = (bytes[at] as number) ^ 0x80;
    }
  }
});

test("a connection that lost a message, or its end, is found", () => {
  const { last, steady } = feedTypes;
  const feeds = new Feeds();
  feeds.take(1, feedNumber(0, 0), steady);
  feeds.take(2, feedNumber(0, 0), 0);
  feeds.take(1, feedNumber(0, 1), steady | last);
  feeds.checkEnds();
  assert.throws(() => feeds.take(2, feedNumber(0, 2), 0), { name: "MismatchError" });
  // Of the connections 0, 1 and 2 of process 1, nobody heard the end of 1.
  feeds.take(1, feedNumber(1, 0), steady);
  feeds.take(1, feedNumber(2, 0), steady | last);
  assert.throws(() => feeds.checkEnds(), /expected 3/);
});

/** What a soak of 20 minutes sees of one process that holds `start` at first, and gains so much a second. */
function observed(start: Sample, end: Sample, rssPerSecond = 0): Observed {
  const place = { load: "ping", role: "ping", program: "ping", runtime: "bun" } as const;
  return {
    seconds: 1200,
    interrupted: false,
    failures: [],
    loads: [],
    processes: [{ ...place, stopWord: "stop", pid: 1, start, end }],
    killed: 0,
    rows: Array.from({ length: 120 }, (_, i) => {
      // The samples of a real process do not lie on a line.
      const rssBytes = start.rssBytes + 10 * i * rssPerSecond + (i % 3) * 2 ** 20;
      return { at: 10 * i, messages: {}, samples: [{ ...start, rssBytes }] };
    }),
  };
}

test("a process that holds or gains too much is found", () => {
  const settings = { seconds: 1200, warmUp: 60, sampleEvery: 10, window: 30, calm: 3, seed: 1 };
  const sample: Sample = { rssBytes: 5e7, descriptors: 6, mappings: 2, heapBytes: 2e6 };
  const faultsOf = (end: Partial<Sample>, rssPerSecond?: number) => {
    return judge(observed(sample, { ...sample, ...end }, rssPerSecond), settings).faults.join();
  };
  assert.equal(faultsOf({}), "");
  assert.match(faultsOf({ descriptors: 7 }), /ping ping \(bun\) had 6 descriptors and has 7/);
  assert.match(faultsOf({ mappings: 3 }), /had 2 mappings and has 3/);
  assert.match(faultsOf({ heapBytes: 5e6 }), /heap/);
  assert.match(faultsOf({}, 2 ** 15), /gains 19\d\d\d KiB in 10 minutes/);
});
