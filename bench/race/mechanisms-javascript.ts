import type { Runtime } from "../line-process.ts";
import { anyForm, type Contender, type Forms } from "./contender.ts";
import type { Mechanism } from "./result.ts";

type Copies = Mechanism["copies"];

const json: Copies = {
  count: 4,
  which: "into JSON text, into the socket, out of it, into a value of the receiver's",
};
const bytes: Copies = {
  count: 2,
  which: "into the kernel, out of it; a runtime may add copies of its own",
};
const body: Copies = {
  count: 3,
  which: "into the kernel, out of it, into the buffer that arrayBuffer() gives",
};
const cloned: Copies = {
  count: 2,
  which: "structured clone: written out for the other thread, read into a value there",
};
const shared: Copies = { count: 2, which: "into the shared memory, out of it" };
const ring: Copies = { count: 2, which: "into the ring by the sender, out of it by the receiver" };
const inPlace: Copies = { count: 1, which: "into the ring; the receiver reads it in place" };
const framed: Copies = {
  count: 3,
  which: "into the socket by ZeroMQ's thread, out of it, into a message of the receiver's",
};

/** Of each mechanism what is the same in both runtimes. */
type Sketch = Omit<Mechanism, "id" | "runner"> & {
  readonly program: string;
  readonly forms?: Partial<Forms>;
};

const inProcess = "in-process: two threads, no second process";
const answered = "a message is a call with a reply; one way: calls answered, 64 in flight";

const sketches: readonly Sketch[] = [
  {
    program: "zerocross-spin",
    name: "zerocross Sync, spinning",
    family: "ring",
    waiting: "spins",
    copies: ring,
  },
  {
    program: "zerocross-try",
    name: "zerocross try",
    family: "ring",
    waiting: "spins",
    copies: ring,
    note: "polls without a pause",
  },
  {
    program: "zerocross-sync",
    name: "zerocross Sync",
    family: "ring",
    waiting: "spins, then sleeps",
    copies: ring,
  },
  {
    program: "zerocross-async",
    name: "zerocross await",
    family: "ring",
    waiting: "spins, then sleeps",
    copies: ring,
  },
  {
    program: "zerocross-rpc-sync",
    name: "zerocross callSync",
    family: "ring",
    waiting: "spins, then sleeps",
    copies: ring,
    note: "a message is a call with a reply; one way: calls answered, one at a time",
  },
  {
    program: "zerocross-rpc",
    name: "zerocross call",
    family: "ring",
    waiting: "spins, then sleeps",
    copies: ring,
    note: answered,
  },
  {
    program: "zerocross-batch",
    name: "zerocross batches",
    family: "ring",
    waiting: "spins",
    copies: inPlace,
    note: "trySendMany and drain, one way only",
    forms: { roundTrip: false },
  },
  {
    program: "atomics",
    name: "Atomics.wait",
    family: "in-process",
    waiting: "sleeps",
    copies: shared,
    note: inProcess,
  },
  {
    program: "post-message",
    name: "worker postMessage",
    family: "in-process",
    waiting: "sleeps",
    copies: cloned,
    note: inProcess,
  },
  {
    program: "process-send",
    name: "process.send",
    family: "socket",
    waiting: "sleeps",
    copies: json,
    note: "the payload is text, in JSON",
  },
  {
    program: "stdio",
    name: "child's stdin and stdout",
    family: "pipe",
    waiting: "sleeps",
    copies: bytes,
  },
  {
    program: "net-unix",
    name: "net, Unix socket",
    family: "socket",
    waiting: "sleeps",
    copies: bytes,
  },
  {
    program: "net-unix-json",
    name: "net, Unix socket, JSON",
    family: "socket",
    waiting: "sleeps",
    copies: json,
    note: "the payload is text, in JSON",
  },
  {
    program: "net-tcp",
    name: "net, TCP",
    family: "socket",
    waiting: "sleeps",
    copies: bytes,
  },
  {
    program: "net-tcp-json",
    name: "net, TCP, JSON",
    family: "socket",
    waiting: "sleeps",
    copies: json,
    note: "the payload is text, in JSON",
  },
  {
    program: "fetch-unix",
    name: "fetch, Unix socket",
    family: "socket",
    waiting: "sleeps",
    copies: body,
    note: answered,
  },
  {
    program: "fetch-tcp",
    name: "fetch, TCP",
    family: "socket",
    waiting: "sleeps",
    copies: body,
    note: answered,
  },
  {
    program: "zeromq",
    name: "ZeroMQ",
    family: "socket",
    waiting: "sleeps",
    copies: framed,
    note: "its highest percentiles are those of an empty message every 10 ms, which makes up for wake-ups that Deno loses",
  },
];

export function javascriptContenders(runtime: Runtime): readonly Contender[] {
  return sketches.map(({ program, forms, ...known }) => ({
    mechanism: { id: `${runtime}/${program}`, runner: runtime, ...known },
    program,
    forms: { ...anyForm, ...forms },
  }));
}
