import { join } from "node:path";
import { root } from "../../scripts/environment.mjs";
import {
  LineProcess,
  newAddress,
  newSocketPath,
  type Runtime,
  startScript,
} from "../line-process.ts";

export type { Runtime } from "../line-process.ts";

type Cores = readonly [number, number];

/** Two processes that run a block of repetitions when they are told to, and sleep otherwise. */
export interface Pair {
  readonly pids: readonly number[];
  /** Nanoseconds that a block of `count` repetitions took. */
  run(count: number): Promise<number>;
  close(): Promise<void>;
}

/** Two native processes, forked by zig-out/bin/native. */
export function nativePair(what: string, cores: Cores): Pair {
  const sides = new LineProcess(join(root, "zig-out/bin/native"), [what, ...cores.map(String)]);
  return {
    pids: [sides.pid],
    async run(count) {
      sides.tell(String(count));
      const [, elapsed] = (await sides.hear()).split(" ");
      return Number(elapsed);
    },
    close: () => sides.close(),
  };
}

/** Two JavaScript processes, each in a runtime of its own. */
export function scriptPair(
  name: string,
  runtimes: readonly [Runtime, Runtime],
  cores: Cores,
): Pair {
  const address = newAddress();
  const start = (runtime: Runtime, position: string, core: number) =>
    startScript(runtime, "goals/side.ts", [name, position, address, String(core)]);
  const sides = [
    start(runtimes[0], "first", cores[0]),
    start(runtimes[1], "second", cores[1]),
  ] as const;
  return {
    pids: sides.map((side) => side.pid),
    async run(count) {
      // The second side first, so that it is ready when the first one begins.
      sides[1].tell(String(count));
      sides[0].tell(String(count));
      const [elapsed] = await Promise.all(sides.map((side) => side.hear()));
      return Number(elapsed);
    },
    async close() {
      await Promise.all(sides.map((side) => side.close()));
    },
  };
}

/**
 * `RpcClient.callSync` in one process, `RpcResponder.serveSync` in the other, which never sleeps and is
 * stopped while it is not wanted.
 */
export function callSyncPair(runtime: Runtime, cores: Cores): Pair {
  const address = newAddress();
  const responder = startScript(runtime, "goals/calls/sync.ts", [
    "responder",
    address,
    String(cores[1]),
  ]);
  const client = startScript(runtime, "goals/calls/sync.ts", ["client", address, String(cores[0])]);
  return {
    pids: [client.pid, responder.pid],
    async run(count) {
      responder.signal("SIGCONT");
      client.tell(String(count));
      const elapsed = Number(await client.hear());
      responder.signal("SIGSTOP");
      return elapsed;
    },
    async close() {
      await Promise.all([client.close(), responder.close()]);
    },
  };
}

/** An event loop that calls another one over a mechanism of calls/; it starts the other one itself. */
export function loopPair(runtime: Runtime, mechanism: string, inFlight: number): Pair {
  const path = mechanism === "zerocross" ? newAddress() : newSocketPath();
  const client = startScript(runtime, "goals/calls/client.ts", [mechanism, path, String(inFlight)]);
  return {
    pids: [client.pid],
    async run(count) {
      client.tell(String(count));
      return Number(await client.hear());
    },
    close: () => client.leave(),
  };
}
