/** What changed from one race to another: `bench compare A.json B.json`. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Figure, OneWay, Race, RoundTrip, Row } from "../../bench/race/result.ts";
import { environment } from "../../scripts/environment.mjs";

const program = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "zerocross-"));
after(() => rmSync(folder, { recursive: true }));

test("compare finds what is slower and faster where the blocks have nothing in common", () => {
  const before = race([pipe({ roundTrip: [9000, 10_000, 11_000], rate: [90e3, 100e3, 110e3] })]);
  const later = race([pipe({ roundTrip: [14_000, 15_000, 16_000], rate: [190e3, 200e3, 210e3] })]);
  const { status, stdout } = compare(before, later);
  assert.equal(status, 0);
  assert.match(
    stdout,
    /Worse beyond the noise\n.*\nnative\/pipe +round trip, 32 bytes +10\.0 µs +15\.0 µs +\+50 % +100 to 150\n/,
  );
  assert.match(
    stdout,
    /Better beyond the noise\n.*\nnative\/pipe +one way, 64 bytes +100k\/s +200k\/s +\+100 %\n/,
  );
  assert.match(stdout, /1 of 3 figures stayed within the noise\./);
});

test("compare takes for noise what the blocks have in common, and what is small", () => {
  const before = race([pipe({ roundTrip: [9000, 10_000, 14_000], rate: [99e3, 100e3, 101e3] })]);
  const later = race([pipe({ roundTrip: [13_000, 15_000, 16_000], rate: [102e3, 103e3, 104e3] })]);
  assert.match(compare(before, later).stdout, /^\n3 of 3 figures stayed within the noise\.\n$/);
});

test("compare finds a system call more", () => {
  const { stdout } = compare(race([pipe({ calls: 4 })]), race([pipe({ calls: 5 })]));
  assert.match(stdout, /native\/pipe +system calls per round trip +4 +5 +\+25 %\n/);
});

test("compare says which mechanisms only one of the races has, and takes a forbidden one for none", () => {
  const { forbidden } = { forbidden: "mq_open is refused: ENOSYS" };
  const other = { ...pipe({}), id: "native/fifo" };
  const queue = { ...pipe({}), id: "native/posix-queue" };
  const { stdout } = compare(race([pipe({}), queue]), race([other, { ...queue, forbidden }]));
  assert.match(stdout, /The two races have no figure in common\./);
  assert.match(stdout, /Only in the first: native\/pipe, native\/posix-queue\./);
  assert.match(stdout, /Only in the second: native\/fifo\./);
});

test("compare says when the machines differ, and when a race was a quick one", () => {
  const before = race([]);
  const machine = { ...before.machine, processor: "another one" };
  const { stdout } = compare(before, { ...before, machine, quick: true });
  assert.match(stdout, /The machines differ: processor one and another one\./);
  assert.match(stdout, /The second race was a quick one/);
});

test("compare refuses what is no race, with exit code 2", () => {
  const good = file("good.json", JSON.stringify(race([])));
  const refusals: readonly [string[], RegExp][] = [
    [[good], /^compare takes two files, and 1 were given\.\n$/],
    [[good, join(folder, "none.json")], /none\.json cannot be read: ENOENT/],
    [[good, folder], /cannot be read: EISDIR/],
    [[good, file("text.json", "text")], /text\.json is not JSON/],
    [[good, file("list.json", "[]")], /list\.json is not a race/],
    [[good, file("null.json", "null")], /null\.json is not a race/],
    [[good, file("later.json", '{"version":2}')], /has version 2 of the format; this reads/],
    [[good, file("half.json", '{"version":1}')], /half\.json is not a whole race/],
  ];
  for (const [args, says] of refusals) {
    const { status, stderr } = bench("compare", ...args);
    assert.match(stderr, says);
    assert.equal(status, 2);
  }
});

type Blocks = readonly [number, number, number];

function pipe({
  roundTrip = [9000, 10_000, 11_000],
  rate = [90e3, 100e3, 110e3],
  calls = 4,
}: {
  roundTrip?: Blocks;
  rate?: Blocks;
  calls?: number;
}): Row {
  const [min, p50, max] = roundTrip;
  const all = { p90: max, p99: max, p999: max };
  const switches = { voluntarySwitches: 2, involuntarySwitches: 0 };
  const measured: RoundTrip = {
    ...{ size: 32, count: 3, min, p50, ...all, max, ...switches, cpuNs: 1 },
    blockMedians: figure(roundTrip),
  };
  const oneWay: OneWay = { size: 64, count: 3, messagesPerSecond: figure(rate), cpuNs: 1 };
  return {
    id: "native/pipe",
    runner: "native",
    name: "pipe",
    family: "pipe",
    waiting: "sleeps",
    copies: 2,
    roundTrip: measured,
    oneWay,
    callsPerRoundTrip: { perOne: calls, by: "perf_event_open" },
  };
}

function figure(blocks: Blocks): Figure {
  const [p10, median, p90] = blocks;
  return { median, p10, p90, blocks };
}

function race(rows: readonly Row[]): Race {
  return {
    version: 1,
    machine: {
      ...{ date: "", processor: "one", cores: 2, memoryGiB: 1, kernel: "6", virtualised: false },
      ...{ mitigations: [], clocksource: "tsc", load: 0, bun: "", deno: "", zig: "" },
    },
    quick: false,
    seconds: 1,
    settings: {
      ...{ cores: [0, 1], pinned: true, roundTripSize: 32, oneWaySize: 64, sizes: [], count: 3 },
    },
    clock: { name: "rdtsc", readingNs: 10 },
    bareLineNs: { native: figure([90, 100, 110]) },
    rows,
    scenarios: [],
    goals: [],
  };
}

function compare(before: Race, later: Race) {
  return bench(
    "compare",
    file("before.json", JSON.stringify(before)),
    file("later.json", JSON.stringify(later)),
  );
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function bench(...args: string[]) {
  return spawnSync("bun", [program, ...args], {
    env: environment,
    encoding: "utf8",
    timeout: 30_000,
  });
}
