/** The race itself, in a tiny size: `npm test -- bench`. Every message of its first part is checked. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { usableCores } from "../../bench/machine.ts";
import { sweptSizes } from "../../bench/race/contender.ts";
import { quick } from "../../bench/race/effort.ts";
import { contenders } from "../../bench/race/mechanisms.ts";
import type { Calls, Race, Row } from "../../bench/race/result.ts";
import { scenarios } from "../../bench/scenarios/scenarios.ts";
import { zigBuild } from "../../scripts/command.mjs";
import { environment, root } from "../../scripts/environment.mjs";

const program = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));
const timeoutMs = 145_000;
const hasTwoCores = usableCores().length > 1;

/** What some kernels and runtimes do not have. All others have to run. */
const mayBeForbidden = new Set(["native/posix-queue", "bun/zeromq", "deno/zeromq"]);

const quickSizes = quick.sizes.split(",").map(Number);

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "zerocross-"));
  const [zig = "", ...args] = zigBuild("install", "bench");
  const { status, stderr } = spawnSync(zig, args, {
    cwd: root,
    env: environment,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
});
after(() => rmSync(folder, { recursive: true }));

test("every mechanism carries its messages, and has a row with all of its figures", async () => {
  const json = join(folder, "race.json");
  const html = join(folder, "race.html");
  const { code, output, errors } = await bench("--quick", "--json", json, "--html", html).ended;
  assert.equal(code, 0, errors);
  const race = JSON.parse(readFileSync(json, "utf8")) as Race;
  assert.deepEqual(
    race.rows.map(({ id }) => id),
    contenders.map(({ mechanism }) => mechanism.id),
  );
  for (const row of race.rows) {
    if (row.forbidden === undefined) hasItsFigures(row, race.settings.sizes);
    else assert.ok(mayBeForbidden.has(row.id) || isWithoutCore(row), `${row.id}: ${row.forbidden}`);
    assert.match(output, new RegExp(`(^| )${literally(row.name)} `, "m"));
  }
  assert.ok((race.emptyCallNs?.median ?? 0) > 0);
  assert.deepEqual(
    race.scenarios.map(({ name }) => name),
    scenarios.map(({ name }) => name),
  );
  assert.ok(race.goals.length > 30, `${race.goals.length} goals`);
  assert.match(readFileSync(html, "utf8"), /^<!doctype html>/i);
});

test("a mechanism whose process dies is out of the race, and the others go on", async () => {
  const json = join(folder, "dead.json");
  const only = ["--only", "native/pipe,native/fifo"];
  const race = bench(...only, "--sizes", "64", "--json", json);
  const victim = await found(() => processWith("mechanisms\0pipe\0"));
  await sleep(500);
  process.kill(victim, "SIGKILL");
  const { code, errors, output } = await race.ended;
  assert.match(errors, /^native\/pipe: .*mechanisms pipe .* ended before it answered$/m);
  assert.match(output, /^native\/pipe FAILED: /m);
  assert.equal(code, 1);
  const { rows } = JSON.parse(readFileSync(json, "utf8")) as Race;
  const byId = new Map(rows.map((row) => [row.id, row]));
  assert.equal(byId.get("native/pipe")?.roundTrip, undefined);
  hasItsFigures(byId.get("native/fifo") as Row, [64]);
});

test("Ctrl-C leaves no process, object or file behind", async () => {
  const objects = systemObjects();
  const json = join(folder, "interrupted.json");
  const race = bench("--json", json);
  await found(() => processWith("mechanisms\0timerfd\0"));
  await sleep(1000);
  race.interrupt();
  const { code, errors } = await race.ended;
  assert.deepEqual({ code, errors }, { code: 130, errors: "" });
  assert.deepEqual(race.left(), []);
  // The keeper removes them when both sides are gone, and nobody waits for it.
  await found(() => isDeepStrictEqual(systemObjects(), objects) || undefined);
  assert.equal(existsSync(json), false);
});

test("on one core what spins does not run, and the rest does", async () => {
  const json = join(folder, "one-core.json");
  const only = ["--only", "native/ring-spin,native/pipe,bun/zerocross-try"];
  const core = String(usableCores()[0]);
  const race = new Run("taskset", ["-c", core, "bun", program, "--quick", ...only, "--json", json]);
  const { code, errors } = await race.ended;
  assert.deepEqual({ code, errors }, { code: 0, errors: "" });
  const { rows } = JSON.parse(readFileSync(json, "utf8")) as Race;
  const forbidden = rows.filter((row) => row.forbidden?.includes("one core")).map(({ id }) => id);
  assert.deepEqual(forbidden, ["native/bare-line", "native/ring-spin", "bun/zerocross-try"]);
  hasItsFigures(rows.find(({ id }) => id === "native/pipe") as Row, quickSizes);
});

test("a payload that is too large for a mechanism is marked, and the rest of it runs", async () => {
  const json = join(folder, "large.json");
  const args = ["--only", "sysv-queue", "--size", "1000000", "--sizes", "64,1000000"];
  const { code, output } = await bench("--quick", ...args, "--json", json).ended;
  assert.equal(code, 0);
  const { rows } = JSON.parse(readFileSync(json, "utf8")) as Race;
  const row = rows.find(({ id }) => id === "native/sysv-queue");
  const reason = /System V message queue takes \d+ bytes at most/;
  assert.match(row?.roundTrip && "reason" in row.roundTrip ? row.roundTrip.reason : "", reason);
  const [small, large] = row?.sweep ?? [];
  assert.ok(small && "count" in small);
  assert.ok(large && "reason" in large);
  assert.match(output, reason);
});

function hasItsFigures(row: Row, sizes: readonly number[]): void {
  const found = contenders.find(({ mechanism }) => mechanism.id === row.id);
  assert.ok(found);
  const { roundTrip, oneWay, handover, minSize } = found.forms;
  const message = JSON.stringify(row);
  assert.equal(row.failed, undefined);
  if (roundTrip) {
    assert.ok(row.roundTrip && "p50" in row.roundTrip, message);
    assert.ok(row.roundTrip.min > 0 && row.roundTrip.max >= row.roundTrip.p50, message);
    checkCalls(row.callsPerRoundTrip, message);
  }
  if (oneWay) {
    assert.equal(row.sweep?.length, sweptSizes(found, sizes).length, message);
    assert.ok(row.sweep.some((point) => "count" in point && point.messagesPerSecond.median > 0));
    assert.ok(row.oneWay && ("count" in row.oneWay || minSize > 64), message);
    if ("count" in row.oneWay) checkCalls(row.callsPerMessage, message);
  }
  if (handover) assert.ok((row.handover?.milliseconds.median ?? 0) > 0, message);
}

/** Known by the kernel's counting, not by argument; where nothing may count, that is said. */
function checkCalls(calls: Calls | undefined, message: string): void {
  assert.ok(calls !== undefined, message);
  if ("reason" in calls) assert.notEqual(calls.reason, "");
  else assert.ok(calls.perOne >= 0, message);
}

function isWithoutCore({ waiting }: Row): boolean {
  return waiting === "spins" && !hasTwoCores;
}

interface End {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** A running race, in a process group of its own, as one that was started in a terminal. */
class Run {
  readonly ended: Promise<End>;
  readonly #child: ChildProcess;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, {
      env: environment,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let errors = "";
    this.#child.stdout?.on("data", (chunk) => {
      output += chunk;
    });
    this.#child.stderr?.on("data", (chunk) => {
      errors += chunk;
    });
    const timer = setTimeout(() => this.#signal("SIGKILL"), timeoutMs);
    this.ended = new Promise((resolve) => {
      this.#child.on("close", (code) => {
        clearTimeout(timer);
        resolve({ code, output, errors });
      });
    });
  }

  /** Ctrl-C: every process of the group has the signal. */
  interrupt(): void {
    this.#signal("SIGINT");
  }

  /** The processes that still run of those that it has started, in whatever group. */
  left(): string[] {
    return processes().filter((pid) => {
      const stat = readProcess(pid, "stat");
      const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(session) === this.#child.pid && state !== "Z";
    });
  }

  #signal(name: NodeJS.Signals): void {
    process.kill(-(this.#child.pid ?? 0), name);
  }
}

function bench(...args: string[]): Run {
  return new Run("bun", [program, ...args]);
}

/** What outlives a process that does not remove it. */
function systemObjects(): Record<string, string[]> {
  const idsOf = (file: string) =>
    readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/)[1] ?? "");
  const listed = (path: string, prefix: string) =>
    existsSync(path) ? readdirSync(path).filter((name) => name.startsWith(prefix)) : [];
  return {
    memory: idsOf("/proc/sysvipc/shm"),
    semaphores: idsOf("/proc/sysvipc/sem"),
    queues: idsOf("/proc/sysvipc/msg"),
    posixMemory: listed("/dev/shm", ""),
    posixQueues: listed("/dev/mqueue", ""),
    folders: listed(tmpdir(), "zerocross-bench-"),
  };
}

function processWith(command: string): number | undefined {
  const pid = processes().find((each) => readProcess(each, "cmdline").includes(command));
  return pid === undefined ? undefined : Number(pid);
}

function processes(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
}

function readProcess(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return ""; // It has just ended.
  }
}

async function found<Value>(look: () => Value | undefined): Promise<Value> {
  for (;;) {
    const value = look();
    if (value !== undefined) return value;
    await sleep(5);
  }
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
