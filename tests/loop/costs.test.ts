/** What a message does not cost: no allocation, no system call, and no processor time while waiting. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { removeFiles } from "../../bench/line-process.ts";
import { Contestant } from "../../bench/race/contestant.ts";
import { contenderOf } from "../../bench/race/mechanisms.ts";
import { environment } from "../../scripts/environment.mjs";
import { startEnd } from "../support/far-end.ts";
import { temporaryPaths } from "../support/folder.ts";
import { bothRuntimes, Program, type Runtime, runtimePath } from "../support/program.ts";

const newPath = temporaryPaths();

// Allocations

const heapMessages = 10_000_000;
/** Enough for the control, whose garbage Bun keeps. */
const controlMessages = 1_000_000;
/** Less than a tenth of a byte per message. V8's own samples and code take some 80 KB of it. */
const heapBound = 512 * 1024;

/** Runs tests/programs/heap.ts, and says how far apart the runtime's figures of its heap were. */
async function heapSpread(runtime: Runtime, form: string, messages: number): Promise<number> {
  const file = fileURLToPath(new URL("../programs/heap.ts", import.meta.url));
  const flags = runtime === "deno" ? ["run", "--no-lock", "--no-check", "--allow-all"] : [];
  const child = spawn(runtimePath(runtime), [...flags, file, JSON.stringify({ form, messages })], {
    // JavaScriptCore counts nothing between two collections once there was one. With its collector
    // off the figure is of everything that was ever allocated. V8's follows each allocation anyway.
    env: { ...environment, BUN_JSC_useGC: "0" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  using program = new Program("heap", child, 30_000);
  const { samples } = await program.next<{ samples: number[] }>();
  assert.equal(samples.length, messages / 100_000);
  const [least, most] = [Math.min(...samples), Math.max(...samples)];
  console.log(`${runtime}, ${form}: a heap of ${least} to ${most} bytes in ${messages} messages`);
  return most - least;
}

for (const runtime of bothRuntimes) {
  test(`one small object for each message is seen in the heap of ${runtime}`, async () => {
    const spread = await heapSpread(runtime, "control", controlMessages);
    assert.ok(spread > heapBound, `${spread} bytes`);
  });

  for (const form of ["copies", "batches"]) {
    test(`${heapMessages / 1e6} million messages in ${form} allocate nothing in ${runtime}`, async () => {
      const spread = await heapSpread(runtime, form, heapMessages);
      assert.ok(spread < heapBound, `${spread} bytes`);
    });
  }
}

// System calls

const roundTrips = 200_000;

/** Starts to count the system calls of processes and all their threads; answers how many there were. */
interface Counter {
  stop(): Promise<number>;
}

function startCounter(pids: readonly number[], command: string, args: readonly string[]): Counter {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], env: environment });
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  let output = "";
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const closed = new Promise<void>((resolve) => child.on("close", () => resolve()));
  return {
    async stop() {
      child.kill("SIGINT");
      await closed;
      clearTimeout(timer);
      // perf: "123,,raw_syscalls:sys_enter,...". strace: "100.00 0.1 2 123 total", with errors before it.
      const found =
        /^(\d+),.*sys_enter/m.exec(output) ?? /^100\.00\s+\S+\s+\d+\s+(\d+)/m.exec(output);
      // strace prints no table at all when there was not one call.
      if (found === null && command === "strace" && !/total/.test(output)) return 0;
      assert.ok(found, `${command} of ${pids.join(" and ")} said: ${output}`);
      return Number(found[1]);
    },
  };
}

type Tool = (pids: readonly number[]) => Counter;

const tools: Record<string, { readonly trial: readonly string[]; readonly count: Tool }> = {
  perf: {
    trial: ["stat", "-x,", "-e", "raw_syscalls:sys_enter", "true"],
    count: (pids) =>
      startCounter(pids, "perf", [
        ...["stat", "-x,", "-e", "raw_syscalls:sys_enter"],
        ...["-p", pids.join(",")],
      ]),
  },
  strace: {
    trial: ["-c", "-f", "true"],
    count: (pids) =>
      startCounter(pids, "strace", ["-c", "-f", ...pids.flatMap((pid) => ["-p", String(pid)])]),
  },
};

/** The first tool that is installed and may count here. */
function allowedTool(): { name: string; count: Tool } | undefined {
  for (const [name, { trial, count }] of Object.entries(tools)) {
    const { status, stderr } = spawnSync(name, trial, { encoding: "utf8", timeout: 5000 });
    if (status === 0 && /^\d+,.*sys_enter|total/m.test(stderr)) return { name, count };
  }
  return undefined;
}

/** A reason why system calls cannot be counted here, printed as well, since not every runner does. */
function skip(context: TestContext, reason: string): void {
  console.log(`skipped: ${reason}`);
  // Bun has no skip from inside a test.
  try {
    context.skip(reason);
  } catch {}
}

for (const runtime of bothRuntimes) {
  test(`two spinning processes of ${runtime} exchange ${roundTrips} round trips without system calls`, async (context) => {
    if (availableParallelism() < 2) return skip(context, "two spinning processes need two cores");
    const tool = allowedTool();
    if (tool === undefined) return skip(context, "neither perf nor strace may count system calls");
    const pair = new Contestant(contenderOf(`${runtime}/zerocross-spin`));
    await pair.start([0, 1]);
    const run = (count: number) => pair.ask("round-trip", count, 32);
    const timer = setTimeout(() => pair.leave(), 20_000);
    try {
      await run(roundTrips / 10);
      const counter = tool.count(pair.ready?.pids ?? []);
      // The tool needs a moment before it counts; a long one counts what the pair does meanwhile.
      await new Promise((resolve) => setTimeout(resolve, 500));
      await run(roundTrips);
      const calls = await counter.stop();
      console.log(`${runtime}: ${calls} system calls in ${roundTrips} round trips (${tool.name})`);
      assert.ok(calls > 0, `${tool.name} did not even see the block begin`);
      assert.ok(calls < roundTrips / 100, `${calls} system calls`);
    } finally {
      clearTimeout(timer);
      await pair.leave();
      removeFiles();
    }
  });
}

// Processor time

/** The processor time of a process so far, in the kernel's ticks of 10 ms. */
function ticksOf(pid: number): number {
  // The name is the only field that may hold spaces; it ends with the last ")".
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

for (const runtime of bothRuntimes) {
  test(`a consumer of ${runtime} that waits for 2 s uses less than 1 % of a core`, async () => {
    const path = newPath();
    using producer = startEnd(
      { path, end: "producer", listens: true, steps: [["awaitWord"]] },
      { runtime },
    );
    const steps = [["pause", 500], ["awaitWord"], ["idle", 2000]] as const;
    using consumer = startEnd({ path, end: "consumer", steps }, { runtime });
    await consumer.next();
    await consumer.next();
    const before = ticksOf(consumer.pid);
    consumer.tell();
    await consumer.next();
    const { value, begun, ended } = await consumer.next<{
      value: number;
      begun: number;
      ended: number;
    }>();
    const ticks = ticksOf(consumer.pid) - before;
    console.log(`${runtime}: ${value} ms of ${ended - begun}, ${ticks} ticks`);
    assert.ok(ended - begun >= 2000, `${ended - begun} ms`);
    // 1 % of 2 s, which is two ticks.
    assert.ok(Math.min(value, ticks * 10) <= 20, `${value} ms, ${ticks} ticks`);
    producer.tell();
  });
}
