import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { median, quantile } from "simple-statistics";
import { LineProcess, newPath } from "../line-process.ts";
import { inRounds, Processes, type Scenario } from "./scenario.ts";

const connections = 32;
const workerCount = 2;
/** The front, its workers, and the load, each with a core of its own. */
const coresWanted = workerCount + 2;

const variants = [
  { mechanism: "none", name: "no worker, the front answers" },
  { mechanism: "zerocross-rpc", name: "zerocross serve" },
  { mechanism: "fetch-unix", name: "fetch, Unix socket" },
  { mechanism: "process-send-calls", name: "process.send" },
];

interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly wrong: number;
}

/** An HTTP front with workers behind it, under load. */
export const front: Scenario = {
  name: "front",
  title: `An HTTP front in Bun with ${workerCount} workers behind it, ${connections} connections of load`,
  seconds: 16,
  async measure({ step, share }) {
    await using processes = new Processes();
    const fronts = variants.map(({ mechanism }) =>
      processes.script("bun", "front-server.ts", mechanism, workerCount, newPath()),
    );
    const script = fileURLToPath(new URL("front-load.mjs", import.meta.url));
    const load = processes.keep(new LineProcess("node", [script, String(connections)]));
    const ports = await Promise.all(fronts.map((each) => each.hear()));
    const [rounds, ms] = [share(3, 1), share(800, 300)];
    const samples = await inRounds(ports, rounds, step, (port) =>
      load.ask<Sample>(`${port} ${ms}`),
    );
    const cores = availableParallelism();
    return {
      notes: [
        `autocannon in Node, ${rounds} blocks of ${ms / 1000} s each, in turn; medians of the blocks`,
        ...(cores < coresWanted
          ? [`front, workers and load compete for ${cores} cores: the load is part of each figure`]
          : []),
      ],
      columns: [
        { name: "requests", unit: "/s" },
        { name: "p10", unit: "/s" },
        { name: "p90", unit: "/s" },
        { name: "p50", unit: "ms" },
        { name: "p99", unit: "ms" },
        { name: "wrong", unit: "" },
      ],
      rows: variants.map(({ mechanism, name }, index) => ({
        id: `bun/front-${mechanism}`,
        name,
        values: valuesOf(samples[index] ?? []),
      })),
    };
  },
};

function valuesOf(samples: readonly Sample[]): number[] {
  const rates = samples.map(({ perSecond }) => perSecond);
  return [
    median(rates),
    quantile(rates, 0.1),
    quantile(rates, 0.9),
    median(samples.map(({ p50Ms }) => p50Ms)),
    median(samples.map(({ p99Ms }) => p99Ms)),
    samples.reduce((sum, { wrong }) => sum + wrong, 0),
  ];
}
