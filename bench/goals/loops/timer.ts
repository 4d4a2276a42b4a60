import { median, quantile } from "simple-statistics";
import {
  type LineProcess,
  newAddress,
  type Runtime,
  runtimeName,
  runtimes,
  startScript,
} from "../../line-process.ts";
import { showProgress } from "../../progress.ts";
import type { Measurement, Table, TableRow } from "../table.ts";

const lateMax = 5;
/** A consumer whose messages come at less than this did not keep up. */
const rateLeast = 0.95e6;

interface Block {
  readonly lateMs: readonly number[];
  readonly received: number;
  readonly elapsedMs: number;
  readonly cpuUs: number;
}

interface Way {
  readonly runtime: Runtime;
  readonly form: "nothing" | "drain" | "iterate";
  readonly loop: LineProcess;
  readonly producer: LineProcess | undefined;
  readonly blocks: Block[];
}

const names = {
  nothing: "no messages",
  drain: "await drain(), in batches",
  iterate: "for await, one by one",
};

/** How late a timer is on an event loop that has a million messages a second to receive. */
export const timer: Measurement = {
  name: "timer",
  seconds: 30,
  async measure(quick): Promise<Table> {
    const ms = quick ? 200 : 1000;
    const rounds = quick ? 1 : 4;
    const ways = runtimes.flatMap((runtime) => [
      start(runtime, "nothing"),
      start(runtime, "drain"),
      start(runtime, "iterate"),
    ]);
    try {
      // The first round is not counted: nothing is compiled yet.
      for (let round = -1; round < rounds; round++) {
        showProgress(`timer: block ${Math.max(0, round)} of ${rounds}`);
        for (const way of ways) {
          const block = await runBlock(way, ms);
          if (round >= 0) way.blocks.push(block);
        }
      }
    } finally {
      showProgress("");
      await Promise.all(ways.flatMap((way) => [way.loop.close(), way.producer?.close()]));
    }
    return {
      title: "A 10 ms timer on a loop that receives 1 M messages/s of 32 bytes, each checked",
      notes: [
        "late: by how much two ticks are more than 10 ms apart",
        `${rounds} blocks of ${ms} ms each, in turn`,
        "the producer is a Bun process that sends the messages due every 0.1 ms",
      ],
      headings: ["median late ms", "p99", "greatest", "M/s received", "% of a core"],
      rows: ways.map(row),
    };
  },
};

function start(runtime: Runtime, form: Way["form"]): Way {
  const path = newAddress();
  return {
    runtime,
    form,
    loop: startScript(runtime, "goals/loops/timer-side.ts", [form, path]),
    producer: form === "nothing" ? undefined : startScript("bun", "goals/loops/paced.ts", [path]),
    blocks: [],
  };
}

async function runBlock({ loop, producer }: Way, ms: number): Promise<Block> {
  // The load begins before the timer and ends after it.
  const sent = producer?.ask(String(ms + 60));
  if (producer !== undefined) await new Promise((resolve) => setTimeout(resolve, 20));
  const block = await loop.ask<Block>(String(ms));
  await sent;
  return block;
}

function row({ runtime, form, blocks }: Way): TableRow {
  const late = blocks.flatMap((block) => block.lateMs);
  const sum = (of: (block: Block) => number) => blocks.reduce((total, each) => total + of(each), 0);
  const elapsedMs = sum((block) => block.elapsedMs);
  const perSecond = (sum((block) => block.received) / elapsedMs) * 1000;
  const greatest = Math.max(...late);
  const isReached = greatest <= lateMax && perSecond >= rateLeast;
  return {
    name: `${runtimeName[runtime]}, ${names[form]}`,
    cells: [
      median(late).toFixed(2),
      quantile(late, 0.99).toFixed(2),
      greatest.toFixed(2),
      form === "nothing" ? "" : (perSecond / 1e6).toFixed(2),
      (sum((block) => block.cpuUs) / 10 / elapsedMs).toFixed(0),
    ],
    ...(form !== "nothing" && {
      goal: { text: `at most ${lateMax} ms late at 1 M/s`, reached: isReached },
    }),
    raw: blocks,
  };
}
