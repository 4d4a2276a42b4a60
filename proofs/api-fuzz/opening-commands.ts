/** Rendezvous: right ones, wrong ones, and those that nobody comes to. */
import { Consumer, FanIn, Producer, RpcClient, RpcResponder, serve } from "../../src/index.ts";
import { openChannel } from "../../tests/support/in-thread.ts";
import type { CommandKinds } from "./command.ts";
import { Pair } from "./pair.ts";
import { any, type Value } from "./values.ts";
import { succeeded, type World } from "./world.ts";

const pairsMax = 3;
/** Milliseconds in which two ends of one thread meet, however slow the machine is. */
export const meetingMax = 60_000;
const capacities = [4096, 8192, 65536];

/** Both ends, met by hand or by the event loop. */
export async function openPair(world: World, pick: number): Promise<void> {
  if (world.pairs.length === pairsMax) return;
  const capacity = capacities[pick % capacities.length] as number;
  if (pick % 2 === 0) {
    world.count("connectSync");
    world.count("connectSync");
    const { producer, consumer, arena } = openChannel({ capacity });
    world.others.push(arena);
    world.pairs.push(new Pair(producer, consumer));
    return;
  }
  world.count("listen");
  world.count("connect");
  const path = world.newName();
  const timeout = meetingMax;
  const ends =
    pick % 4 === 1
      ? ([Producer.listen(path, { capacity }), Consumer.connect(path, { timeout })] as const)
      : ([Producer.connect(path, { timeout }), Consumer.listen(path, { capacity })] as const);
  world.pairs.push(new Pair(...(await Promise.all(ends))));
}

/** Who can listen or connect. */
const kinds = [Producer, Consumer, RpcClient, RpcResponder] as unknown as Record<
  string,
  (path: unknown, options: unknown) => unknown
>[];
const oddPaths = [
  "",
  "@",
  "\0",
  "/nowhere/at/all",
  "/dev/null",
  "/",
  "/proc/self/mem",
  "x".repeat(200),
  `@${"y".repeat(200)}`,
  "/tmp/zerocross\0tail",
  "/tmp/\ud800lone",
  undefined,
  null,
  8,
  {},
];

/** Nobody is at the other end: whatever this answers, it is an error. */
function meetNobody(how: "listenSync" | "connectSync" | "listen" | "connect") {
  return async (world: World, pick: number, args: Value[]) => {
    const kind = kinds[pick % kinds.length] as (typeof kinds)[number];
    const path = pick % 3 === 0 ? world.newName() : oddPaths[pick % oddPaths.length];
    const given = { timeout: pick % 2, ...pickOption(pick, world.make(args[0])) };
    const options = pick % 23 === 0 ? world.make(args[0]) : given;
    const name = `${how} alone`;
    // What the option is worth is another file's to test (tests/options.test.ts).
    const reasons = { args: "either", meeting: true, timeout: true, abort: true } as const;
    if (how === "listenSync" || how === "connectSync") {
      // Without a limit it would be waited for ever.
      if (options !== given) return;
      const outcome = world.attempt(name, () => kind[how]?.(path, options));
      succeeded(outcome, name, reasons, true);
      return;
    }
    const controller = new AbortController();
    const call = async () =>
      await kind[how]?.(path, { signal: controller.signal, ...(options as object) });
    world.others.push({ close: () => controller.abort() });
    await world.start(name, "receiving", call, (outcome) =>
      succeeded(outcome, name, reasons, true),
    );
  };
}

const optionNames = ["capacity", "wire", "mode", "authorize", "wait", "retry", "signal", "other"];

function pickOption(pick: number, value: unknown): object {
  const name = optionNames[pick % optionNames.length] as string;
  if (name === "wait") return { wait: { spin: value } };
  return { [name]: value };
}

const prototypes = [Producer, Consumer, RpcClient, RpcResponder, FanIn].map(
  (kind) => kind.prototype,
);

export const openingCommands: CommandKinds = {
  open: { weight: 4, args: [], run: openPair },
  listenSync: { weight: 2, args: [any.anything], run: meetNobody("listenSync") },
  connectSync: { weight: 2, args: [any.anything], run: meetNobody("connectSync") },
  listen: { weight: 2, args: [any.anything], run: meetNobody("listen") },
  connect: { weight: 2, args: [any.anything], run: meetNobody("connect") },
  serveWrongly: {
    weight: 1,
    args: [any.anything],
    async run(world, pick, args) {
      const given = { path: world.newName(), handler: 8, ...pickOption(pick, world.make(args[0])) };
      const call = async () => await serve((pick % 5 === 0 ? world.make(args[0]) : given) as never);
      const reasons = { args: "either", meeting: true, abort: true } as const;
      await world.start("serve wrongly", "receiving", call, (outcome) => {
        succeeded(outcome, "serve wrongly", reasons, true);
      });
    },
  },
  /** A method of ours on something that is not ours. */
  wrongThis: {
    weight: 4,
    args: [any.anything, any.anything],
    run(world, pick, args) {
      const prototype = prototypes[pick % prototypes.length] as object;
      const keys = Reflect.ownKeys(prototype).filter((key) => key !== "constructor");
      const key = keys[pick % keys.length] as string;
      const { value, get } = Object.getOwnPropertyDescriptor(prototype, key) ?? {};
      const method = (value ?? get) as (...args: unknown[]) => unknown;
      const [self, arg] = [world.make(args[0]), world.make(args[1])];
      const outcome = world.attempt("wrong this", () => method.call(self, arg));
      if (!outcome.isDone) succeeded(outcome, `wrong this of ${String(key)}`, { args: "either" });
      // What returns a promise rejects it, and what iterates throws when it is asked for more.
      else Promise.resolve(outcome.result).catch(() => {});
    },
  },
  construct: {
    weight: 1,
    args: [any.anything],
    run(world, pick, args) {
      const kind = [Producer, Consumer, RpcClient, RpcResponder, FanIn][pick % 5] as never as new (
        value: unknown,
      ) => unknown;
      const value = world.make(args[0]);
      const outcome = world.attempt("new", () => new kind(value));
      succeeded(outcome, "new", { args: "either" }, true);
    },
  },
  abort: {
    weight: 4,
    args: [],
    run(world, pick) {
      world.controllers[pick % world.controllers.length]?.abort();
    },
  },
};
