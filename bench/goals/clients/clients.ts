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

const clientCount = 100;
const processCount = 4;
const inFlight = 4;
const shareLeast = 0.5;
const capacities = [
  { capacity: 1024 * 1024, name: "1 MiB, the default" },
  { capacity: 64 * 1024, name: "64 KiB" },
];

interface Memory {
  readonly connections: number;
  readonly errors: number;
  readonly shmemKiB: number;
  readonly anonKiB: number;
}

interface Calls {
  readonly counts: readonly { made: number; answered: number }[];
  readonly elapsedMs: number;
}

interface Run {
  readonly before: Memory;
  readonly connected: Memory;
  readonly after: Memory;
  /** Answered calls of each client, while all of them called. */
  readonly window: readonly number[];
  readonly windowMs: number;
  readonly made: number;
  readonly answered: number;
}

/** A hundred clients of one server: whether each has its share, what each costs, and that nothing is lost. */
export const clients: Measurement = {
  name: "clients",
  seconds: 40,
  async measure(quick): Promise<Table> {
    const rows: TableRow[] = [];
    for (const { capacity, name } of capacities) {
      for (const runtime of runtimes) {
        const run = await measureServer(runtime, capacity, quick);
        rows.push(row(`${runtimeName[runtime]}, rings of ${name}`, run));
      }
    }
    showProgress("");
    return {
      title: `${clientCount} clients of one serve(), ${inFlight} calls in flight each, 32 bytes each way`,
      notes: [
        `the clients are in ${processCount} processes, which compete with the server for the cores`,
        "window: the calls of each client while all of them call; then to the whole number, every reply compared",
        "memory: of the server, idle, per client: ring pages (RssShmem, there from the start) + its own (RssAnon)",
      ],
      headings: ["calls/s", "least .. most", "least/most", "calls", "lost", "KiB shm + own"],
      rows,
    };
  },
};

async function measureServer(runtime: Runtime, capacity: number, quick: boolean): Promise<Run> {
  const windowMs = quick ? 200 : 2000;
  const callsWanted = quick ? 10_000 : 1_000_000;
  const path = newAddress();
  const server = startScript(runtime, "goals/clients/server.ts", [path, String(capacity)]);
  const processes: LineProcess[] = [server];
  try {
    await server.hear();
    await sleep(quick ? 0 : 500);
    const before = await server.ask<Memory>("memory");
    const perProcess = clientCount / processCount;
    const callers = Array.from({ length: processCount }, () =>
      startScript(runtime, "goals/clients/many.ts", [path, String(perProcess), String(inFlight)]),
    );
    processes.push(...callers);
    await Promise.all(callers.map((caller) => caller.hear()));
    const connected = await memoryOfAll(server, quick);
    const all = async (command: string) => {
      showProgress(`clients: ${runtimeName[runtime]}, ${capacity / 1024} KiB, ${command}`);
      const answers = await Promise.all(callers.map((caller) => caller.ask<Calls>(command)));
      return answers.flatMap(({ counts }) => counts);
    };
    const warm = await all(`window ${windowMs / 4}`);
    const window = await all(`window ${windowMs}`);
    const left = callsWanted - total([...warm, ...window]).answered;
    const rest = left > 0 ? await all(`calls ${Math.ceil(left / clientCount)}`) : [];
    const after = await server.ask<Memory>("memory");
    return {
      before,
      connected,
      after,
      window: window.map(({ answered }) => answered),
      windowMs,
      ...total([...warm, ...window, ...rest]),
    };
  } finally {
    await Promise.all(processes.map((each) => each.close()));
  }
}

/** A client is connected a moment before the server has heard of it. */
async function memoryOfAll(server: LineProcess, quick: boolean): Promise<Memory> {
  for (let attempt = 0; ; attempt++) {
    await sleep(quick ? 20 : 500);
    const memory = await server.ask<Memory>("memory");
    if (memory.connections === clientCount) return memory;
    if (attempt === 100)
      throw new Error(`${memory.connections} of ${clientCount} clients connected`);
  }
}

function total(counts: Calls["counts"]): { made: number; answered: number } {
  const sum = (of: (count: Calls["counts"][number]) => number) =>
    counts.reduce((sumSoFar, count) => sumSoFar + of(count), 0);
  return { made: sum(({ made }) => made), answered: sum(({ answered }) => answered) };
}

function row(name: string, run: Run): TableRow {
  const { before, connected, window, windowMs, made, answered } = run;
  const [least, most] = [Math.min(...window), Math.max(...window)];
  const perSecond = (window.reduce((sum, each) => sum + each, 0) / windowMs) * 1000;
  const lost = made - answered;
  const each = (of: (memory: Memory) => number) =>
    ((of(connected) - of(before)) / clientCount).toFixed(0);
  return {
    name,
    cells: [
      perSecond.toFixed(0),
      `${least} .. ${most}`,
      (least / most).toFixed(2),
      String(answered),
      String(lost),
      `${each(({ shmemKiB }) => shmemKiB)} + ${each(({ anonKiB }) => anonKiB)}`,
    ],
    goal: {
      text: `none lost, least at least ${shareLeast} of most`,
      reached: lost === 0 && least / most >= shareLeast,
    },
    raw: run,
  };
}
