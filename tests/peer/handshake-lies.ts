/** The liar at the rendezvous: what a hostile peer may do there, by name, so that tests can loop. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Arena, type ArenaOptions, requiredSeals } from "./arena.ts";
import type { Deadline } from "./deadline.ts";
import * as libc from "./libc.ts";
import {
  acceptPeer,
  closeListener,
  connectTo,
  openListener,
  receiveHandshake,
  waitForHangup,
} from "./rendezvous.ts";
import {
  alignment,
  controlSize,
  encodeHandshake,
  flags,
  type Handshake,
  honestHandshake,
  offsets,
  type Wire,
} from "./wire.ts";

// What a listener lies about. Each lie is honest in all that it does not name.

export interface HandshakeLie {
  /** The wire that the lie exists in, when not in all. */
  wire?: Wire;
  /** The capacity that memory, file and handshake agree on. */
  capacity?: number;
  fields?: (honest: Handshake) => Partial<Handshake>;
  arena?: (capacity: number) => ArenaOptions;
  /** What is changed in the memory before it is handed over. */
  memory?: (arena: Arena) => void;
  /** The descriptors sent; those that are not the arena's are closed afterwards. */
  fds?: (arena: Arena, wire: Wire) => number[];
  bytes?: (honest: Uint8Array) => Uint8Array;
  /** Keeps the socket open after what was sent, so that no end of file helps the other side. */
  staysSilent?: boolean;
}

const nothing = () => new Uint8Array(0);
const { seal, shrink, grow } = libc.seals;

export const handshakeLies = {
  "wrong-magic": { fields: () => ({ magic: 0x21212121 }) },
  "version-0": { fields: () => ({ version: 0 }) },
  "version-1": { fields: () => ({ version: 1 }) },
  "version-5": { fields: () => ({ version: 5 }) },
  "alignment-0": { fields: () => ({ alignment: 0 }) },
  "alignment-128": { fields: () => ({ alignment: 128 }) },
  "unknown-flag": { wire: 4, fields: () => ({ flags: 1 << 1 }) },
  "highest-flag": { wire: 4, fields: () => ({ flags: 0x80000000 }) },
  "rev-not-zero": { wire: 4, fields: (h) => ({ capacityRev: h.capacity, shmSizeRev: h.shmSize }) },
  "rpc-with-one-descriptor": {
    wire: 4,
    fields: (h) => ({ flags: flags.rpc, capacityRev: h.capacity, shmSizeRev: h.shmSize }),
  },
  "rpc-to-a-channel": {
    wire: 4,
    fields: (h) => ({ flags: flags.rpc, capacityRev: h.capacity, shmSizeRev: h.shmSize }),
    fds: (arena) => [arena.fd, honestTwin(arena)],
  },

  "capacity-0": { capacity: 0 },
  "capacity-below-a-line": { capacity: 32 },
  "capacity-no-power-of-two": { capacity: 12288 },
  "capacity-above-the-file": {
    fields: (h) => ({ capacity: 2 * h.capacity, shmSize: controlSize + 2 * h.capacity }),
  },
  "capacity-2-to-31": {
    fields: () => ({ capacity: 2 ** 31, shmSize: controlSize + 2 ** 31 }),
  },
  "shm-size-too-small": { fields: (h) => ({ shmSize: h.shmSize - alignment }) },
  "shm-size-too-large": { fields: (h) => ({ shmSize: h.shmSize + alignment }) },
  "shm-size-0": { fields: () => ({ shmSize: 0 }) },
  "file-too-small": { arena: (capacity) => ({ fileSize: capacity }) },
  "file-too-large": { arena: (capacity) => ({ fileSize: controlSize + 2 * capacity }) },

  unsealed: { arena: () => ({ seals: 0 }) },
  "not-sealed-against-shrinking": { arena: () => ({ seals: grow | seal }) },
  "not-sealed-against-growing": { arena: () => ({ seals: shrink | seal }) },
  "not-sealed-against-sealing": { arena: () => ({ seals: shrink | grow }) },

  "no-descriptor": { fds: () => [] },
  "two-descriptors": { fds: (arena) => [arena.fd, honestTwin(arena)] },
  "hundred-descriptors": { fds: (arena) => Array<number>(100).fill(arena.fd) },
  "regular-file": { fds: (arena, wire) => [regularFile(arena.capacity, wire)] },
  "read-only-memory": { fds: (arena) => [libc.open(`/proc/self/fd/${arena.fd}`, 0)] },
  pipe: { fds: readingEndOfPipe },
  "unconnected-socket": { fds: () => [libc.socket()] },

  "closes-without-a-word": { bytes: nothing, fds: () => [] },
  "cut-to-one-byte": { bytes: (honest) => honest.slice(0, 1) },
  "cut-to-magic-and-version": { bytes: (honest) => honest.slice(0, 8) },
  "cut-by-four-bytes": { bytes: (honest) => honest.slice(0, -4) },
  "cut-by-one-byte": { bytes: (honest) => honest.slice(0, -1) },
  "trailing-bytes": { bytes: (honest) => new Uint8Array([...honest, 1, 2, 3, 4]) },
  silence: { bytes: nothing, fds: () => [], staysSilent: true },
  "half-and-silence": { bytes: (honest) => honest.slice(0, 12), staysSilent: true },

  "memory-magic": { memory: (arena) => arena.store32(offsets.magic, 0x21212121) },
  "memory-version": { memory: (arena) => arena.store32(offsets.version, 5) },
  "memory-capacity": { memory: (arena) => arena.store32(offsets.capacity, 2 * arena.capacity) },
  "memory-alignment": { memory: (arena) => arena.store32(offsets.alignment, 128) },
} satisfies Record<string, HandshakeLie>;

/** A second memory with nothing wrong about it but its being there. */
export function honestTwin(arena: Arena): number {
  const fd = libc.createMemory("zerocross-test-twin");
  libc.truncate(fd, controlSize + arena.capacity);
  libc.addSeals(fd, requiredSeals);
  return fd;
}

/** A file on a disk whose every byte is right, so that only the missing seals tell. */
function regularFile(capacity: number, wire: Wire): number {
  const O_RDWR_CREAT_EXCL = 0o302;
  const path = join(tmpdir(), `zerocross-test-peer-${process.pid}-${Date.now()}`);
  const fd = libc.open(path, O_RDWR_CREAT_EXCL);
  libc.unlink(path);
  Arena.layOut(fd, capacity, wire).unmap();
  return fd;
}

function readingEndOfPipe(): number[] {
  const [reading, writing] = libc.pipe();
  libc.close(writing);
  return [reading];
}

/** Listens, tells one lie to the first that connects, and stays until that one hangs up. */
export function tellHandshakeLie(
  path: string,
  lie: HandshakeLie,
  options: { wire: Wire; capacity: number },
  deadline: Deadline,
): void {
  const wire = lie.wire ?? options.wire;
  const capacity = lie.capacity ?? options.capacity;
  const arena = Arena.create(capacity, { wire, ...lie.arena?.(capacity) });
  lie.memory?.(arena);
  const honest = honestHandshake(wire, capacity);
  const handshake = encodeHandshake(wire, { ...honest, ...lie.fields?.(honest) });
  const bytes = lie.bytes?.(handshake) ?? handshake;
  const fds = lie.fds?.(arena, wire) ?? [arena.fd];
  try {
    tell(path, { bytes, fds, staysSilent: lie.staysSilent ?? false }, deadline);
  } finally {
    for (const fd of new Set(fds)) if (fd !== arena.fd) libc.close(fd);
    arena.close();
  }
}

/** Listens, sends this to the first that connects, and stays until that one hangs up. */
export function tell(
  path: string,
  what: { bytes: Uint8Array; fds: readonly number[]; staysSilent?: boolean },
  deadline: Deadline,
): void {
  const listener = openListener(path);
  try {
    const socket = acceptPeer(listener, deadline);
    try {
      if (what.bytes.length > 0) libc.sendMessage(socket, what.bytes, what.fds);
      if (!what.staysSilent) libc.shutdownWrite(socket);
      waitForHangup(socket, deadline);
    } finally {
      libc.close(socket);
    }
  } finally {
    closeListener(listener, path);
  }
}

// What a connector does to a listener. None of it may end the listening, but for the last one.

export const connectorLies = {
  "closes-at-once": (path, deadline) => libc.close(connectTo(path, deadline)),
  "takes-nothing-and-leaves": (path, deadline) => {
    const socket = connectTo(path, deadline);
    libc.waitReadable(socket, deadline.remainingMs);
    libc.close(socket);
  },
  "writes-first": (path, deadline) => {
    const socket = connectTo(path, deadline);
    const request = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n");
    // A listener that was quick has closed by now, which is as good.
    libc.unless([libc.errnos.EPIPE], () => libc.sendMessage(socket, request, []));
    libc.close(socket);
  },
  "takes-the-memory-and-leaves": (path, deadline) => {
    const socket = connectTo(path, deadline);
    for (const fd of receiveHandshake(socket, deadline).fds) libc.close(fd);
    libc.close(socket);
  },
} satisfies Record<string, (path: string, deadline: Deadline) => void>;
