import { median, quantile } from "simple-statistics";
import {
  type LineProcess,
  newAddress,
  newSocketPath,
  type Runtime,
  runtimeName,
  runtimes,
  startScript,
} from "../../line-process.ts";
import { showProgress } from "../../progress.ts";
import type { Measurement, Table, TableRow } from "../table.ts";

const timesMax = 2;
const perBlock = 10;

interface Way {
  readonly runtime: Runtime;
  readonly mechanism: "zerocross" | "net";
  readonly sender: LineProcess;
  readonly receiver: LineProcess;
  /** A list for each block. */
  readonly delays: number[][];
}

/** How long a message is under way to an event loop that has slept for 20 ms. */
export const first: Measurement = {
  name: "first",
  seconds: 30,
  async measure(quick): Promise<Table> {
    const rounds = quick ? 1 : 30;
    const ways = runtimes.flatMap((runtime) => [
      start(runtime, "zerocross"),
      start(runtime, "net"),
    ]);
    try {
      // The first round is not counted: nothing is compiled yet.
      for (let round = -1; round < rounds; round++) {
        showProgress(`first: block ${Math.max(0, round)} of ${rounds}`);
        for (const way of ways) {
          const delays = await runBlock(way, quick ? 3 : perBlock);
          if (round >= 0) way.delays.push(delays);
        }
      }
    } finally {
      showProgress("");
      await Promise.all(ways.flatMap((way) => [way.sender.close(), way.receiver.close()]));
    }
    return {
      title: "The first message after 20 ms without any, one way to `await receive()`, 32 bytes",
      notes: ["from before the send to the continuation", "both sides on event loops asleep"],
      headings: ["median us", "p10 .. p90", "p99", "x node:net"],
      rows: ways.map((way, index) => row(way, ways[index + 1])),
    };
  },
};

function start(runtime: Runtime, mechanism: Way["mechanism"]): Way {
  const path = mechanism === "zerocross" ? newAddress() : newSocketPath();
  const side = (position: string) =>
    startScript(runtime, "goals/loops/first-side.ts", [position, mechanism, path]);
  return { runtime, mechanism, sender: side("sends"), receiver: side("receives"), delays: [] };
}

async function runBlock({ sender, receiver }: Way, count: number): Promise<number[]> {
  // The receiver first: it listens when the first message comes, a pause later.
  const received = receiver.ask<number[]>(String(count));
  await sender.ask(String(count));
  return received;
}

/** `next` is the socket that has run beside the ring in every block. */
function row(way: Way, next: Way | undefined): TableRow {
  const all = way.delays.flat();
  const [p10, p90, p99] = [0.1, 0.9, 0.99].map((at) => quantile(all, at).toFixed(1));
  const isRing = way.mechanism === "zerocross" && next !== undefined;
  const times = isRing
    ? median(way.delays.map((block, index) => median(block) / median(next.delays[index] ?? [])))
    : 1;
  return {
    name: `${runtimeName[way.runtime]}, ${isRing ? "zerocross" : "node:net, Unix socket"}`,
    cells: [median(all).toFixed(1), `${p10} .. ${p90}`, `${p99}`, times.toFixed(2)],
    ...(isRing && { goal: { text: `at most ${timesMax}`, reached: times <= timesMax } }),
    raw: way.delays,
  };
}
