import { setTimeout as sleep } from "node:timers/promises";
import {
  type LineProcess,
  newAddress,
  type Runtime,
  runtimeName,
  runtimes,
} from "../line-process.ts";
import { Processes, type Scenario } from "./scenario.ts";

const counts = [1, 16, 100];
/** What follows a start, a runtime's own late work, is not idling. */
const settleMs = 1000;

const forms = {
  "receive-sync": "receiveSync of one consumer",
  consumers: "consumers that receive",
  clients: "clients of one serve",
} as const;

interface Case {
  readonly id: string;
  readonly name: string;
  readonly waits: LineProcess;
}

/** What a process costs while it waits for channels and nothing comes. */
export const idle: Scenario = {
  name: "idle",
  title: "CPU time of a process that waits and hears nothing",
  seconds: 16,
  async measure({ step, share }) {
    const ms = share(5000, 300);
    const rows = [];
    for (const runtime of runtimes) {
      step(runtimeName[runtime]);
      rows.push(...(await measureRuntime(runtime, ms)));
    }
    return {
      notes: [`process.cpuUsage over ${ms / 1000} s`, "all forms of a runtime at the same time"],
      columns: [{ name: "of a core", unit: "%" }],
      rows,
    };
  },
};

/** All at the same time: each process's CPU time is its own, and an idle one leaves the cores alone. */
async function measureRuntime(runtime: Runtime, ms: number) {
  await using processes = new Processes();
  const sides: LineProcess[] = [];
  const start = (form: keyof typeof forms, count: number): Case => {
    const path = newAddress();
    const [waits, keeps] = ["waits", "keeps"].map((position) =>
      processes.script(runtime, "idle-side.ts", position, form, count, path),
    ) as [LineProcess, LineProcess];
    sides.push(waits, keeps);
    return {
      id: `${runtime}/idle-${form}-${count}`,
      name: `${runtimeName[runtime]}, ${form === "receive-sync" ? "" : `${count} `}${forms[form]}`,
      waits,
    };
  };
  const cases = [
    start("consumers", 0),
    start("receive-sync", 1),
    ...counts.map((count) => start("consumers", count)),
    ...counts.map((count) => start("clients", count)),
  ];
  await Promise.all(sides.map((side) => side.hear()));
  await sleep(Math.min(settleMs, ms));
  const samples = await Promise.all(
    cases.map(({ waits }) => waits.ask<{ cpuUs: number; elapsedMs: number }>(String(ms))),
  );
  return cases.map(({ id, name }, index) => {
    const { cpuUs, elapsedMs } = samples[index] ?? { cpuUs: Number.NaN, elapsedMs: 1 };
    return { id, name, values: [cpuUs / 10 / elapsedMs] };
  });
}
