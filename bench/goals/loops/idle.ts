import {
  type LineProcess,
  newAddress,
  type Runtime,
  runtimeName,
  runtimes,
  startScript,
} from "../../line-process.ts";
import { sleep } from "../../lines.ts";
import { showProgress } from "../../progress.ts";
import type { Measurement, Table, TableRow } from "../table.ts";

type Form = "consumers" | "server";

const counts = [1, 16, 100];
/** What follows a start, a runtime's own late work, is not idling. */
const settleMs = 1000;
const percentMax = 1;

interface Sample {
  readonly cpuUs: number;
  readonly elapsedMs: number;
}

/** What a process costs while its event loop waits for channels and nothing comes. */
export const idle: Measurement = {
  name: "idle",
  seconds: 15,
  async measure(quick): Promise<Table> {
    const ms = quick ? 300 : 5000;
    const rows: TableRow[] = [];
    for (const runtime of runtimes) {
      showProgress(`idle: ${runtimeName[runtime]}, ${ms / 1000} s`);
      rows.push(...(await measureRuntime(runtime, ms, quick)));
    }
    showProgress("");
    return {
      title: "CPU time of an event loop that awaits and hears nothing",
      notes: [`process.cpuUsage over ${ms / 1000} s`, "all forms of a runtime at the same time"],
      headings: ["% of a core"],
      rows,
    };
  },
};

/** All at the same time: each process's CPU time is its own, and an idle one leaves the cores alone. */
async function measureRuntime(runtime: Runtime, ms: number, quick: boolean): Promise<TableRow[]> {
  const processes: LineProcess[] = [];
  const start = (position: string, form: Form, count: number, path: string) => {
    const side = startScript(runtime, "goals/loops/idle-side.ts", [
      position,
      form,
      `${count}`,
      path,
    ]);
    processes.push(side);
    return side;
  };
  try {
    const cases: { form: Form; count: number; waits: LineProcess }[] = [
      { form: "consumers", count: 0, waits: start("waits", "consumers", 0, newAddress()) },
    ];
    for (const form of ["consumers", "server"] as const) {
      for (const count of counts) {
        const path = newAddress();
        cases.push({ form, count, waits: start("waits", form, count, path) });
        start("keeps", form, count, path);
      }
    }
    await Promise.all(processes.map((side) => side.hear()));
    await sleep(quick ? 0 : settleMs);
    const samples = await Promise.all(cases.map(({ waits }) => waits.ask<Sample>(String(ms))));
    return cases.map(({ form, count }, index) => row(runtime, form, count, samples[index]));
  } finally {
    await Promise.all(processes.map((side) => side.close()));
  }
}

function row(runtime: Runtime, form: Form, count: number, sample: Sample | undefined): TableRow {
  const { cpuUs, elapsedMs } = sample ?? { cpuUs: Number.NaN, elapsedMs: Number.NaN };
  const percent = cpuUs / 10 / elapsedMs;
  const what =
    form === "server" ? `serve with ${count} clients` : `${count} consumers that receive`;
  return {
    name: `${runtimeName[runtime]}, ${count === 0 ? "nothing open" : what}`,
    cells: [percent.toFixed(2)],
    ...(count > 0 && {
      goal: { text: `under ${percentMax}`, reached: percent < percentMax },
    }),
    raw: sample,
  };
}
