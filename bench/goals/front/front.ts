import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { median, quantile } from "simple-statistics";
import { LineProcess, newAddress, newSocketPath, startScript } from "../../line-process.ts";
import { showProgress } from "../../progress.ts";
import type { Measurement, Table, TableRow } from "../table.ts";

const connections = 32;
const workerCount = 2;
/** The front, its workers, and the load, each with a core of its own. */
const coresWanted = workerCount + 2;

const variants = [
  { mechanism: "none", name: "no worker, the front answers" },
  { mechanism: "zerocross", name: "zerocross serve" },
  { mechanism: "fetch", name: "fetch, Unix socket" },
  { mechanism: "process.send", name: "process.send" },
];

interface Sample {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly wrong: number;
}

/** An HTTP front with workers behind it, under load. */
export const front: Measurement = {
  name: "front",
  seconds: 40,
  async measure(quick): Promise<Table> {
    const rounds = quick ? 1 : 6;
    const ms = quick ? 300 : 1000;
    const fronts = variants.map(({ mechanism }) => start(mechanism));
    const load = new LineProcess("node", [
      fileURLToPath(new URL("load.mjs", import.meta.url)),
      String(connections),
    ]);
    const samples: Sample[][] = variants.map(() => []);
    try {
      const ports = await Promise.all(fronts.map((each) => each.hear()));
      // The first round is not counted: nothing is compiled yet.
      for (let round = -1; round < rounds; round++) {
        showProgress(`front: block ${Math.max(0, round)} of ${rounds}`);
        for (const [index, port] of ports.entries()) {
          const sample = await load.ask<Sample>(`${port} ${ms}`);
          if (round >= 0) samples[index]?.push(sample);
        }
      }
    } finally {
      showProgress("");
      await Promise.all([load.close(), ...fronts.map((each) => each.leave())]);
    }
    return {
      title: `An HTTP front in Bun with ${workerCount} workers behind it, ${connections} connections of load`,
      notes: [
        `autocannon in Node, ${rounds} blocks of ${ms / 1000} s each, in turn; medians of the blocks`,
        ...competition(),
      ],
      headings: ["requests/s", "p10 .. p90", "p50 ms", "p99 ms", "wrong", "x process.send"],
      rows: variants.map(({ name }, index) =>
        row(name, samples[index] ?? [], samples.at(-1) ?? []),
      ),
    };
  },
};

function competition(): string[] {
  const cores = availableParallelism();
  if (cores >= coresWanted) return [];
  return [`front, workers and load compete for ${cores} cores, so the load is part of each figure`];
}

function start(mechanism: string): LineProcess {
  if (mechanism === "none") return startScript("bun", "goals/front/server.ts", [mechanism]);
  const newPath = mechanism === "zerocross" ? newAddress : newSocketPath;
  const paths = Array.from({ length: workerCount }, newPath);
  return startScript("bun", "goals/front/server.ts", [mechanism, ...paths]);
}

function row(name: string, samples: readonly Sample[], last: readonly Sample[]): TableRow {
  const rates = samples.map(({ perSecond }) => perSecond);
  const times = median(rates.map((rate, at) => rate / (last[at]?.perSecond ?? Number.NaN)));
  const wrong = samples.reduce((sum, sample) => sum + sample.wrong, 0);
  return {
    name,
    cells: [
      median(rates).toFixed(0),
      `${quantile(rates, 0.1).toFixed(0)} .. ${quantile(rates, 0.9).toFixed(0)}`,
      median(samples.map(({ p50Ms }) => p50Ms)).toFixed(2),
      median(samples.map(({ p99Ms }) => p99Ms)).toFixed(2),
      String(wrong),
      times.toFixed(2),
    ],
    raw: samples,
  };
}
