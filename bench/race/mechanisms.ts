import { runtimes } from "../line-process.ts";
import { anyForm, type Contender, type Forms } from "./contender.ts";
import type { Mechanism, Runner } from "./result.ts";

/** Of each mechanism what is the same in all runners that have it. */
type Sketch = Omit<Mechanism, "id" | "runner"> & {
  readonly program: string;
  readonly forms: Partial<Forms>;
};

function sketch(
  program: string,
  name: string,
  family: Mechanism["family"],
  waiting: Mechanism["waiting"],
  copies: number,
  { note, ...forms }: Partial<Forms> & { readonly note?: string } = {},
): Sketch {
  return { program, name, family, waiting, copies, forms, ...(note !== undefined && { note }) };
}

const notifies = {
  note: "notification alone: the payload lies in shared memory",
  oneWay: false,
} as const;
const looksFirst = {
  note: "looks for a microsecond before it sleeps, so in round trips each side lets the other fall asleep first",
};
const readInPlace = { note: "one way only; read where it lies", roundTrip: false };
const wholePages = { roundTrip: false, minSize: 4096 } as const;
const handsOver = {
  note: "handover of 100 MB",
  roundTrip: false,
  oneWay: false,
  handover: true,
} as const;

const nativeSketches: readonly Sketch[] = [
  sketch("bare-line", "bare cache line", "floor", "spins", 2, {
    note: "the floor: two processes bounce one cache line, and no design gets under it",
    oneWay: false,
  }),
  sketch("empty-call", "empty system call", "floor", "sleeps", 0, {
    note: "the price of one crossing (getppid), in one process; it has no payload",
    oneWay: false,
    carriesNothing: true,
  }),

  sketch("memcpy", "copy, out of the caches", "floor", "sleeps", 1, {
    note: "within one process, from memory in no cache into such; it has no payload",
    roundTrip: false,
    carriesNothing: true,
  }),

  sketch("ring-spin", "zerocross ring, spinning", "ring", "spins", 2),
  sketch("ring-spin-1mib", "ring of 1 MiB, spinning", "ring", "spins", 2),
  sketch("ring-packed", "ring, packed, drained", "ring", "spins", 1, readInPlace),
  sketch("ring-staged", "ring, staged, drained", "ring", "spins", 1, readInPlace),
  sketch("ring-hybrid", "zerocross ring, hybrid", "ring", "spins, then sleeps", 2),
  sketch("ring-sleep", "zerocross ring, sleeping", "ring", "sleeps", 2, looksFirst),
  sketch("ring-spin-no-lane", "ring, no lane, spinning", "ring", "spins", 2),
  sketch("ring-hybrid-no-lane", "ring, no lane, hybrid", "ring", "spins, then sleeps", 2),
  sketch("ring-sleep-no-lane", "ring, no lane, sleeping", "ring", "sleeps", 2, looksFirst),

  sketch("posix-spin", "POSIX shm, spin flag", "shared memory", "spins", 2),
  sketch("posix-mutex", "POSIX shm, mutex", "shared memory", "sleeps", 2),
  sketch("posix-semaphores", "POSIX shm, semaphores", "shared memory", "sleeps", 2),
  sketch("sysv-spin", "System V shm, spin flag", "shared memory", "spins", 2),
  sketch("sysv-mutex", "System V shm, mutex", "shared memory", "sleeps", 2),
  sketch("sysv-semaphores", "System V shm, semaphores", "shared memory", "sleeps", 2),
  sketch("memfd-eventfd", "memfd, eventfd wake-ups", "shared memory", "sleeps", 2),

  sketch("pipe", "pipe", "pipe", "sleeps", 2),
  sketch("fifo", "named pipe (FIFO)", "pipe", "sleeps", 2),
  sketch("pipe-1mib", "pipe of 1 MiB", "pipe", "sleeps", 2),
  sketch("vmsplice", "pipe, vmsplice", "pipe", "sleeps", 1, wholePages),
  sketch("splice", "pipe, splice of a memfd", "pipe", "sleeps", 1, wholePages),

  sketch("unix-stream", "Unix socket, stream", "socket", "sleeps", 2),
  sketch("unix-datagram", "Unix socket, datagram", "socket", "sleeps", 2),
  sketch("unix-seqpacket", "Unix socket, seqpacket", "socket", "sleeps", 2),
  sketch("tcp", "TCP over loopback", "socket", "sleeps", 2, { note: "TCP_NODELAY" }),

  sketch("posix-queue", "POSIX message queue", "queue", "sleeps", 2),
  sketch("sysv-queue", "System V message queue", "queue", "sleeps", 2),

  sketch("signalfd", "signalfd", "signal", "sleeps", 2, notifies),
  sketch("timerfd", "timerfd", "signal", "sleeps", 2, notifies),

  sketch("handover-memfd", "sealed memfd by SCM_RIGHTS", "socket", "sleeps", 0, handsOver),
  sketch("handover-shared", "through shared memory", "shared memory", "sleeps", 1, handsOver),
  sketch("handover-pipe", "through a pipe", "pipe", "sleeps", 2, handsOver),
];

const few = { fewSizes: true } as const;
const answered = {
  note: "a message is a call with a reply; one way: calls answered, 64 in flight",
};
const callsOnly = { ...answered, ...few, roundTrip: false } as const;
const oneByOne = {
  note: "a message is a call with a reply; one way: calls answered, one at a time",
};
const json = { note: "the payload is text, in JSON", ...few } as const;
const inProcess = "in-process: two threads, no second process";

const scriptSketches: readonly Sketch[] = [
  sketch("zerocross-spin", "zerocross Sync, spinning", "ring", "spins", 2),
  sketch("zerocross-try", "zerocross try", "ring", "spins", 2, { note: "polls without a pause" }),
  sketch("zerocross-sync", "zerocross Sync", "ring", "spins, then sleeps", 2),
  sketch("zerocross-async", "zerocross await", "ring", "spins, then sleeps", 2, {
    afterSilence: true,
  }),
  sketch("zerocross-rpc-sync", "zerocross callSync", "ring", "spins, then sleeps", 2, oneByOne),
  sketch("zerocross-rpc", "zerocross call", "ring", "spins, then sleeps", 2, {
    ...answered,
    afterSilence: true,
  }),
  sketch("zerocross-rpc-one", "zerocross call, one by one", "ring", "spins, then sleeps", 2, {
    ...callsOnly,
    ...oneByOne,
  }),
  sketch("zerocross-batch", "zerocross batches", "ring", "spins", 1, {
    note: "trySendMany and drain, one way only",
    roundTrip: false,
  }),
  sketch("atomics", "Atomics.wait", "in-process", "sleeps", 2, { note: inProcess, ...few }),
  sketch("post-message", "worker postMessage", "in-process", "sleeps", 2, { note: inProcess }),
  sketch("post-message-calls", "postMessage, calls", "in-process", "sleeps", 2, callsOnly),
  sketch("process-send", "process.send", "socket", "sleeps", 4, json),
  sketch("process-send-calls", "process.send, calls", "socket", "sleeps", 4, callsOnly),
  sketch("stdio", "child's stdin and stdout", "pipe", "sleeps", 2, few),
  sketch("net-unix", "net, Unix socket", "socket", "sleeps", 2, { afterSilence: true }),
  sketch("net-unix-calls", "net, Unix socket, calls", "socket", "sleeps", 2, callsOnly),
  sketch("net-unix-one", "net, calls, one by one", "socket", "sleeps", 2, {
    ...callsOnly,
    ...oneByOne,
  }),
  sketch("net-unix-gathered", "net, calls, writes gathered", "socket", "sleeps", 2, {
    ...callsOnly,
    note: `${answered.note}; what is sent in one turn goes with one write`,
  }),
  sketch("net-unix-json", "net, Unix socket, JSON", "socket", "sleeps", 4, json),
  sketch("net-tcp", "net, TCP", "socket", "sleeps", 2, few),
  sketch("net-tcp-json", "net, TCP, JSON", "socket", "sleeps", 4, json),
  sketch("fetch-unix", "fetch, Unix socket", "socket", "sleeps", 3, { ...answered, ...few }),
  sketch("fetch-tcp", "fetch, TCP", "socket", "sleeps", 3, { ...answered, ...few }),
  sketch("zeromq", "ZeroMQ", "socket", "sleeps", 3, {
    note: "its highest percentiles are those of an empty message every 10 ms, which makes up for wake-ups that Deno loses",
    ...few,
  }),
];

const betweenRuntimes = sketch(
  "zerocross-spin-to-deno",
  "zerocross Sync, spinning, to Deno",
  "ring",
  "spins",
  2,
  { note: "the second side is a process of Deno", ...few },
);

function contendersIn(runner: Runner, sketches: readonly Sketch[]): Contender[] {
  return sketches.map(({ program, forms, ...known }) => ({
    mechanism: { id: `${runner}/${program}`, runner, ...known },
    program,
    forms: { ...anyForm, ...forms },
  }));
}

export const contenders: readonly Contender[] = [
  ...contendersIn("native", nativeSketches),
  ...runtimes.flatMap((runtime) => [
    ...contendersIn(runtime, scriptSketches),
    ...(runtime === "bun" ? contendersIn(runtime, [betweenRuntimes]) : []),
  ]),
];

/** Run in every race, whatever was chosen: all others are read beside them. */
export const bareLineId = "native/bare-line";
export const emptyCallId = "native/empty-call";

export function isFloor(id: string): boolean {
  return id === bareLineId || id === emptyCallId;
}

export function contenderOf(id: string): Contender {
  const found = contenders.find(({ mechanism }) => mechanism.id === id);
  if (found === undefined) throw new Error(`no mechanism is called ${id}`);
  return found;
}
