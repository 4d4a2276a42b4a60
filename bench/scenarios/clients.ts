import { setTimeout as sleep } from "node:timers/promises";
import { newAddress, type Runtime, runtimeName, runtimes } from "../line-process.ts";
import type { ScenarioRow } from "../race/result.ts";
import { Processes, type Scenario, type ScenarioOptions } from "./scenario.ts";

const clientCount = 100;
const processCount = 4;
const inFlight = 4;
const callsWanted = 1_000_000;
const settleMs = 300;

interface Memory {
  readonly connections: number;
  readonly shmemKiB: number;
  readonly anonKiB: number;
}

interface Calls {
  readonly made: number;
  readonly answered: number;
}

/** A hundred clients of one server: whether each has its share, what each costs, and that nothing is lost. */
export const clients: Scenario = {
  name: "clients",
  title: `${clientCount} clients of one serve(), ${inFlight} calls in flight each, 32 bytes each way`,
  seconds: 24,
  async measure(options) {
    const rows: ScenarioRow[] = [];
    for (const runtime of runtimes) {
      options.step(runtimeName[runtime]);
      const of = (KiB: number) => ({ runtime, KiB, path: newAddress() });
      rows.push(await measureServer(of(1024), options, callAll));
      rows.push(await measureServer(of(64), options, async () => []));
    }
    return {
      notes: [
        `the clients are in ${processCount} processes, which compete with the server for the cores`,
        "all call for a while, then to the whole number of calls, every reply compared",
        "memory: of the server, idle, per client: ring pages (RssShmem, there from the start), its own (RssAnon)",
      ],
      columns: [
        { name: "calls", unit: "/s" },
        { name: "least to most", unit: "times" },
        { name: "calls", unit: "" },
        { name: "lost", unit: "" },
        { name: "ring pages", unit: "KiB" },
        { name: "its own", unit: "KiB" },
      ],
      rows,
    };
  },
};

interface Server {
  readonly runtime: Runtime;
  /** Of a ring. */
  readonly KiB: number;
  readonly path: string;
}

type Ask = (command: string) => Promise<Calls[]>;

async function measureServer(
  { runtime, KiB, path }: Server,
  { share }: ScenarioOptions,
  call: (ask: Ask, share: ScenarioOptions["share"]) => Promise<(number | null)[]>,
): Promise<ScenarioRow> {
  await using processes = new Processes();
  const server = processes.script(runtime, "clients-server.ts", path, KiB * 1024);
  await server.hear();
  await sleep(share(settleMs, 0));
  const before = await server.ask<Memory>("memory");
  const callers = Array.from({ length: processCount }, () =>
    processes.script(runtime, "clients-side.ts", path, clientCount / processCount, inFlight),
  );
  await Promise.all(callers.map((caller) => caller.hear()));
  let connected = before;
  // A client is connected a moment before the server has heard of it.
  for (let attempt = 0; connected.connections < clientCount && attempt < 100; attempt++) {
    await sleep(share(settleMs, 20));
    connected = await server.ask<Memory>("memory");
  }
  const calls = await call(async (command) => {
    return (await Promise.all(callers.map((each) => each.ask<Calls[]>(command)))).flat();
  }, share);
  const each = (of: (memory: Memory) => number) => (of(connected) - of(before)) / clientCount;
  return {
    id: `${runtime}/clients-${KiB}`,
    name: `${runtimeName[runtime]}, rings of ${KiB} KiB`,
    values: [
      ...(calls.length > 0 ? calls : [null, null, null, null]),
      each(({ shmemKiB }) => shmemKiB),
      each(({ anonKiB }) => anonKiB),
    ],
  };
}

/** Calls each second, the least of a client to the most, calls that were answered, and those that were not. */
async function callAll(ask: Ask, share: ScenarioOptions["share"]): Promise<number[]> {
  const windowMs = share(1500, 200);
  const warm = await ask(`window ${windowMs / 3}`);
  const window = await ask(`window ${windowMs}`);
  const answeredIn = (counts: readonly Calls[]) =>
    counts.reduce((sum, { answered }) => sum + answered, 0);
  const left = share(callsWanted, 10_000) - answeredIn([...warm, ...window]);
  const rest = left > 0 ? await ask(`calls ${Math.ceil(left / clientCount)}`) : [];
  const all = [...warm, ...window, ...rest];
  const shares = window.map(({ answered }) => answered);
  const lost = all.reduce((sum, { made, answered }) => sum + made - answered, 0);
  return [
    (answeredIn(window) / windowMs) * 1000,
    Math.min(...shares) / Math.max(...shares),
    answeredIn(all),
    lost,
  ];
}
