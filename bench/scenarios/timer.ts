import { setTimeout as sleep } from "node:timers/promises";
import { median, quantile } from "simple-statistics";
import { newAddress, runtimeName, runtimes } from "../line-process.ts";
import { inRounds, Processes, type Scenario } from "./scenario.ts";

const forms = {
  nothing: "no messages",
  drain: "await drain(), in batches",
  iterate: "for await, one by one",
} as const;

interface Block {
  readonly lateMs: readonly number[];
  readonly received: number;
  readonly elapsedMs: number;
  readonly cpuUs: number;
}

/** How late a timer is on an event loop that has a million messages a second to receive. */
export const timer: Scenario = {
  name: "timer",
  title: "A 10 ms timer on a loop that receives 1 M messages/s of 32 bytes, each checked",
  seconds: 17,
  async measure({ step, share }) {
    await using processes = new Processes();
    const ways = runtimes.flatMap((runtime) =>
      (["nothing", "drain", "iterate"] as const).map((form) => {
        const path = newAddress();
        return {
          id: `${runtime}/timer-${form}`,
          name: `${runtimeName[runtime]}, ${forms[form]}`,
          loop: processes.script(runtime, "timer-side.ts", form, path),
          producer: form === "nothing" ? undefined : processes.script("bun", "paced.ts", path),
        };
      }),
    );
    const [rounds, ms] = [share(2, 1), share(1000, 200)];
    const blocks = await inRounds(ways, rounds, step, async ({ loop, producer }, isCounted) => {
      const length = isCounted ? ms : ms / 2;
      // The load begins before the timer and ends after it.
      const sent = producer?.ask(String(length + 60));
      await sleep(20);
      const block = await loop.ask<Block>(String(length));
      await sent;
      return block;
    });
    return {
      notes: [
        "late: by how much two ticks are more than 10 ms apart",
        `${rounds} blocks of ${ms} ms each, in turn`,
        "the producer is a Bun process that sends the messages due every 0.1 ms",
      ],
      columns: [
        { name: "median late", unit: "ms" },
        { name: "p99", unit: "ms" },
        { name: "greatest", unit: "ms" },
        { name: "received", unit: "/s" },
        { name: "of a core", unit: "%" },
      ],
      rows: ways.map(({ id, name, producer }, index) => ({
        id,
        name,
        values: valuesOf(blocks[index] ?? [], producer !== undefined),
      })),
    };
  },
};

function valuesOf(blocks: readonly Block[], receives: boolean): (number | null)[] {
  const late = blocks.flatMap(({ lateMs }) => lateMs);
  const sum = (of: (block: Block) => number) => blocks.reduce((total, each) => total + of(each), 0);
  const elapsedMs = sum((block) => block.elapsedMs);
  const perSecond = (sum(({ received }) => received) / elapsedMs) * 1000;
  return [
    median(late),
    quantile(late, 0.99),
    Math.max(...late),
    receives ? perSecond : null,
    sum(({ cpuUs }) => cpuUs) / 10 / elapsedMs,
  ];
}
