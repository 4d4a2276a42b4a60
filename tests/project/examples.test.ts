/** Runs the programs of examples/ as their users do, each in a process group as under a terminal. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { environment } from "../../scripts/environment.mjs";
import { type Runtime, runtimePath, thisRuntime } from "../support/program.ts";

const examples = new URL("../../examples/", import.meta.url);
const timeoutMs = 20_000;

test("front: both workers answer, and what cannot be answered has its status", async () => {
  using front = new Example("front/front.ts", [], "bun");
  const url = await front.says(/Listening on (\S+)/);
  const workers = new Set<string | null>();
  for (let round = 0; round < 4; round++) {
    const response = await post(url, `# Round ${round}\n\n*one* & <b>two</b>`);
    const html = await response.text();
    assert.match(html, new RegExp(`^<h1>Round ${round}</h1>\\n<p><em>one</em> &amp; &lt;b&gt;two`));
    workers.add(response.headers.get("x-worker"));
  }
  assert.equal(workers.size, 2);

  const refused = await post(url, Uint8Array.of(0xff));
  assert.equal(refused.status, 422);
  assert.match(await refused.text(), /not valid/);
  const tooLarge = await post(url, new Uint8Array(1024 * 1024 + 1));
  await tooLarge.body?.cancel();
  assert.equal(tooLarge.status, 413);
  await front.endByInterrupt();
});

test("front: a worker that dies is replaced", async () => {
  using front = new Example("front/front.ts", [], "bun");
  const url = await front.says(/Listening on (\S+)/);
  const [victim] = await workersOf(url);
  process.kill(Number(victim), "SIGKILL");
  await front.says(new RegExp(`Worker (${victim}) ended \\(SIGKILL\\); starting another one\\.`));
  let workers = await workersOf(url);
  while (workers.size < 2) workers = await workersOf(url);
  assert.equal(workers.has(victim as string), false);
  await front.endByInterrupt();
});

test("front: what it was asked before Ctrl-C is answered after it", async () => {
  using front = new Example("front/front.ts", [], "bun");
  const url = await front.says(/Listening on (\S+)/);
  const document = "*a* [b](c) ".repeat(50_000);
  const requests = Array.from({ length: 8 }, async () => {
    const response = await post(url, document);
    return { status: response.status, length: (await response.text()).length };
  });
  await Promise.race(requests);
  const [answers] = await Promise.all([Promise.all(requests), front.endByInterrupt()]);
  const length = "<p></p>\n".length - 1 + '<em>a</em> <a href="c">b</a> '.length * 50_000;
  assert.deepEqual(
    answers,
    requests.map(() => ({ status: 200, length })),
  );
});

test("front: its workers end with it when it is killed", async () => {
  using front = new Example("front/front.ts", [], "bun");
  await front.says(/Listening on (\S+)/);
  process.kill(front.pid, "SIGKILL");
  await front.leavesNothing();
});

test("market-data: every tick arrives, and both sides count the same", async () => {
  using market = new Example("market-data/main.ts", ["--seconds", "1"]);
  const { code, output, errors } = await market.ended;
  assert.deepEqual({ code, errors }, { code: 0, errors: "" });
  const received = numberIn(output, /([\d,]+) ticks received, 0 lost; the feed counts the same\./);
  const rows = [...output.matchAll(/^[A-Z]+ +[\d.]+ +[\d.]+ +[\d,]+ +([\d,]+) /gm)];
  assert.equal(rows.length, 4);
  assert.equal(
    rows.reduce((sum, [, ticks]) => sum + parseNumber(ticks), 0),
    received,
  );
  assert.ok(received > 100_000, output);
  await market.leavesNothing();
});

test("market-data: Ctrl-C ends it with what came so far", async () => {
  using market = new Example("market-data/main.ts", ["--seconds", "60"]);
  await market.says(/([\d,]+) ticks\/s/);
  const { output } = await market.endByInterrupt();
  assert.match(output, /Interrupted\.\nsymbol .*\n(.+\n){4}[\d,]+ ticks received, 0 lost\.\n$/);
});

test("frames: those that found no room in the stall are dropped, and all others are shown", async () => {
  using frames = new Example("frames/main.ts", ["--seconds", "3", "--stall", "1000"]);
  const { code, output, errors } = await frames.ended;
  assert.deepEqual({ code, errors }, { code: 0, errors: "" });
  const stalledAfter = numberIn(output, /After (\d+) frames the viewer stalls/);
  const gaps = [...output.matchAll(/Frames (\d+) to (\d+) were dropped/g)];
  assert.equal(gaps.length, 1, output);
  const [first, last] = [Number(gaps[0]?.[1]), Number(gaps[0]?.[2])];
  // The ring holds 31 frames at most, and the stall is over after 60, or some more on a busy machine.
  assert.ok(first > stalledAfter + 25 && first <= stalledAfter + 31, output);
  assert.ok(last < stalledAfter + 90, output);

  const taken = numberIn(output, /(\d+) frames taken/);
  const dropped = numberIn(output, /taken, (\d+) dropped/);
  assert.equal(taken, 180);
  assert.equal(dropped, last - first + 1);
  assert.equal(numberIn(output, /dropped, (\d+) shown/), taken - dropped);
  assert.ok(numberIn(output, /(\d+) ms \(most\)/) > 900, output);
  await frames.leavesNothing();
});

test("frames: Ctrl-C ends it, also in the stall", async () => {
  using frames = new Example("frames/main.ts", ["--stall", "60000"]);
  await frames.says(/(the viewer stalls)/);
  const { output } = await frames.endByInterrupt();
  assert.match(output, /Interrupted\.\n\d+ shown\.\n/);
});

test("deno-asks-bun: an answer, the error of the other side, and a deadline", async () => {
  using both = new Example("deno-asks-bun/main.ts");
  const { code, output, errors } = await both.ended;
  assert.deepEqual({ code, errors }, { code: 0, errors: "" });
  assert.match(output, /\[ \{ name: "Earth", moons: 1 \}, \{ name: "Mars", moons: 2 \} \]/);
  assert.match(output, /The other side could not answer: no such table: asteroids/);
  assert.match(output, /No answer within 200 ms\./);
  const [, asker] = /Deno: process (\d+) asks/.exec(output) ?? [];
  assert.match(output, new RegExp(`Bun: process ${asker} has connected\\.`));
  await both.leavesNothing();
});

test("deno-asks-bun: Ctrl-C ends the process that answers", async () => {
  using answer = new Example("deno-asks-bun/answer.ts", [], "bun");
  await answer.says(/answers at (@planets-\d+)/);
  await answer.endByInterrupt();
});

interface End {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** A running example: the first process of a group, as one that was started in a terminal. */
class Example implements Disposable {
  readonly pid: number;
  readonly ended: Promise<End>;
  readonly #name: string;
  readonly #child: ChildProcess;
  #output = "";
  #errors = "";
  #hasEnded = false;

  constructor(name: string, args: readonly string[] = [], runtime: Runtime = thisRuntime) {
    const flags = runtime === "deno" ? ["run", "--no-lock", "--allow-all"] : [];
    const file = fileURLToPath(new URL(name, examples));
    const child = spawn(runtimePath(runtime), [...flags, file, ...args], {
      env: environment,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.pid = child.pid ?? 0;
    this.#name = name;
    this.#child = child;
    child.stdout?.on("data", (chunk) => {
      this.#output += chunk;
    });
    child.stderr?.on("data", (chunk) => {
      this.#errors += chunk;
    });
    const timer = setTimeout(() => this.#kill("SIGKILL"), timeoutMs);
    this.ended = new Promise((resolve) => {
      child.on("close", (code) => {
        clearTimeout(timer);
        this.#hasEnded = true;
        resolve({ code, output: this.#output, errors: this.#errors });
      });
    });
  }

  /** Waits for what it prints on either stream, and returns the first group of the pattern. */
  async says(pattern: RegExp): Promise<string> {
    while (true) {
      const match = pattern.exec(this.#output + this.#errors);
      if (match !== null) return match[1] ?? "";
      if (this.#hasEnded) {
        throw new Error(`${this.#name} ended and did not say ${pattern}: ${this.#errors}`);
      }
      await sleep(5);
    }
  }

  /** Ctrl-C: every process of the group has the signal. */
  async endByInterrupt(): Promise<End> {
    this.#kill("SIGINT");
    const end = await this.ended;
    assert.equal(end.code, 0, end.errors);
    await this.leavesNothing();
    return end;
  }

  /** No process of its group, and no socket with its pid in the name. */
  async leavesNothing(): Promise<void> {
    await this.ended;
    assert.deepEqual(runningInGroup(this.pid), []);
    const sockets = readFileSync("/proc/net/unix", "utf8").split("\n");
    assert.deepEqual(
      sockets.filter((line) => new RegExp(`-${this.pid}\\b`).test(line)),
      [],
    );
  }

  [Symbol.dispose](): void {
    this.#kill("SIGKILL");
  }

  #kill(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  }
}

/** The pids of those that run; one that only waits for its exit code to be read does not. */
function runningInGroup(group: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, , processGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(processGroup) === group && state !== "Z";
    } catch {
      return false; // It has just ended.
    }
  });
}

function post(url: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> {
  return fetch(url, { method: "POST", body });
}

/** Who answers the next few requests. */
async function workersOf(url: string): Promise<Set<string>> {
  const workers = new Set<string>();
  for (let round = 0; round < 4; round++) {
    const response = await post(url, "# Who is there?");
    await response.body?.cancel();
    const worker = response.headers.get("x-worker");
    if (worker !== null) workers.add(worker);
  }
  return workers;
}

function numberIn(text: string, pattern: RegExp): number {
  const match = pattern.exec(text);
  assert.ok(match, `${pattern} is not in: ${text}`);
  return parseNumber(match[1]);
}

function parseNumber(digits = ""): number {
  return Number(digits.replaceAll(",", ""));
}
