import { anyForm, type Contender, type Forms } from "./contender.ts";
import type { Mechanism } from "./result.ts";

type Copies = Mechanism["copies"];

const line: Copies = { count: 2, which: "into the line by the sender, out of it by the receiver" };
const pipe: Copies = { count: 2, which: "into the pipe by write, out of it by read" };
const lent: Copies = {
  count: 1,
  which: "the pipe borrows the sender's pages; read copies them out",
};
const socket: Copies = {
  count: 2,
  which: "into the socket's buffer by send, out of it by receive",
};
const queue: Copies = { count: 2, which: "into the kernel's queue by send, out of it by receive" };
const shared: Copies = {
  count: 2,
  which: "into the shared memory by the sender, out of it by the receiver",
};

const notificationAlone = "notification alone: the payload lies in shared memory";
const looksFirst =
  "looks for a microsecond before it sleeps, so in round trips each side lets the other fall asleep first";
const wholePages: Partial<Forms> = { roundTrip: false, minSize: 4096 };

export const nativeContenders: readonly Contender[] = [
  native("bare-line", "bare cache line", "floor", "spins", line, {
    note: "the floor: two processes bounce one cache line, and no design gets under it",
    forms: { oneWay: false },
  }),
  native(
    "empty-call",
    "empty system call",
    "floor",
    "sleeps",
    { count: 0, which: "none: nothing is carried" },
    {
      note: "the price of one crossing (getppid), in one process; it has no payload",
      forms: { oneWay: false, carriesNothing: true },
    },
  ),

  native("ring-spin", "zerocross ring, spinning", "ring", "spins", shared),
  native("ring-hybrid", "zerocross ring, hybrid", "ring", "spins, then sleeps", shared),
  native("ring-sleep", "zerocross ring, sleeping", "ring", "sleeps", shared, { note: looksFirst }),
  native("ring-spin-no-lane", "ring, no lane, spinning", "ring", "spins", shared),
  native("ring-hybrid-no-lane", "ring, no lane, hybrid", "ring", "spins, then sleeps", shared),
  native("ring-sleep-no-lane", "ring, no lane, sleeping", "ring", "sleeps", shared, {
    note: looksFirst,
  }),

  native("posix-spin", "POSIX shm, spin flag", "shared memory", "spins", shared),
  native("posix-mutex", "POSIX shm, mutex", "shared memory", "sleeps", shared),
  native("posix-semaphores", "POSIX shm, semaphores", "shared memory", "sleeps", shared),
  native("sysv-spin", "System V shm, spin flag", "shared memory", "spins", shared),
  native("sysv-mutex", "System V shm, mutex", "shared memory", "sleeps", shared),
  native("sysv-semaphores", "System V shm, semaphores", "shared memory", "sleeps", shared),
  native("memfd-eventfd", "memfd, eventfd wake-ups", "shared memory", "sleeps", shared),

  native("pipe", "pipe", "pipe", "sleeps", pipe),
  native("fifo", "named pipe (FIFO)", "pipe", "sleeps", pipe),
  native("pipe-1mib", "pipe of 1 MiB", "pipe", "sleeps", pipe),
  native("vmsplice", "pipe, vmsplice", "pipe", "sleeps", lent, { forms: wholePages }),
  native("splice", "pipe, splice of a memfd", "pipe", "sleeps", lent, { forms: wholePages }),

  native("unix-stream", "Unix socket, stream", "socket", "sleeps", socket),
  native("unix-datagram", "Unix socket, datagram", "socket", "sleeps", socket),
  native("unix-seqpacket", "Unix socket, seqpacket", "socket", "sleeps", socket),
  native("tcp", "TCP over loopback", "socket", "sleeps", socket, { note: "TCP_NODELAY" }),

  native("posix-queue", "POSIX message queue", "queue", "sleeps", queue),
  native("sysv-queue", "System V message queue", "queue", "sleeps", queue),

  native("signalfd", "signalfd", "signal", "sleeps", shared, {
    note: notificationAlone,
    forms: { oneWay: false },
  }),
  native("timerfd", "timerfd", "signal", "sleeps", shared, {
    note: notificationAlone,
    forms: { oneWay: false },
  }),

  handover("handover-memfd", "sealed memfd by SCM_RIGHTS", "socket", {
    count: 0,
    which: "none: the pages themselves change hands",
  }),
  handover("handover-shared", "through shared memory", "shared memory", {
    count: 1,
    which: "into the shared memory by the sender; the receiver reads it in place",
  }),
  handover("handover-pipe", "through a pipe", "pipe", pipe),
];

function native(
  program: string,
  name: string,
  family: Mechanism["family"],
  waiting: Mechanism["waiting"],
  copies: Copies,
  { note, forms }: { note?: string; forms?: Partial<Forms> } = {},
): Contender {
  const known = {
    id: `native/${program}`,
    runner: "native",
    name,
    family,
    waiting,
    copies,
  } as const;
  return {
    mechanism: note === undefined ? known : { ...known, note },
    program,
    forms: { ...anyForm, ...forms },
  };
}

function handover(
  program: string,
  name: string,
  family: Mechanism["family"],
  copies: Copies,
): Contender {
  const forms = { roundTrip: false, oneWay: false, handover: true };
  return native(program, name, family, "sleeps", copies, { note: "handover of 100 MB", forms });
}
