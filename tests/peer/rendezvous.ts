/** How two processes meet: whole for honest peers, in steps for those that stop or lie half-way. */
import { Arena, requiredSeals } from "./arena.ts";
import type { Deadline } from "./deadline.ts";
import * as libc from "./libc.ts";
import {
  alignment,
  announcedWire,
  controlSize,
  decodeHandshake,
  encodeHandshake,
  flags,
  type Handshake,
  handshakeSize,
  honestHandshake,
  offsets,
  type Wire,
} from "./wire.ts";

export interface Credentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

// The steps

/** Binds and listens; the path exists from here on. */
export function openListener(path: string): number {
  const listener = libc.socket();
  try {
    libc.bind(listener, path);
    libc.listen(listener, 1);
  } catch (error) {
    libc.close(listener);
    throw error;
  }
  return listener;
}

export function closeListener(listener: number, path: string): void {
  libc.close(listener);
  if (!path.startsWith("@")) libc.unless([libc.errnos.ENOENT], () => libc.unlink(path));
}

export function acceptPeer(listener: number, deadline: Deadline): number {
  for (;;) {
    const socket = libc.unless([libc.errnos.EAGAIN], () => libc.accept(listener));
    if (socket !== undefined) return socket;
    deadline.check("for somebody to connect");
    libc.waitReadable(listener, deadline.remainingMs);
  }
}

/** Connects as soon as somebody listens at the path. */
export function connectTo(path: string, deadline: Deadline): number {
  const { ENOENT, ECONNREFUSED, EAGAIN } = libc.errnos;
  const socket = libc.socket();
  try {
    while (
      libc.unless([ENOENT, ECONNREFUSED, EAGAIN], () => {
        libc.connect(socket, path);
        return true;
      }) === undefined
    ) {
      deadline.check(`for a listener at ${path}`);
      libc.sleep(1);
    }
  } catch (error) {
    libc.close(socket);
    throw error;
  }
  return socket;
}

/** One piece of what the other side sent. No bytes: it has closed. */
export function receive(
  socket: number,
  deadline: Deadline,
): { bytes: Uint8Array; fds: readonly number[] } {
  for (;;) {
    const piece = libc.unless([libc.errnos.EAGAIN], () => libc.receiveMessage(socket));
    if (piece !== undefined) return piece;
    deadline.check("for the other side to send or to close");
    libc.waitReadable(socket, deadline.remainingMs);
  }
}

/** Everything up to the end of a handshake, or up to where the other side stopped sending. */
export function receiveHandshake(
  socket: number,
  deadline: Deadline,
): { bytes: Uint8Array; fds: number[] } {
  let bytes = new Uint8Array(0);
  const fds: number[] = [];
  try {
    for (;;) {
      const wire = announcedWire(bytes);
      if (wire !== undefined && bytes.length >= handshakeSize(wire)) return { bytes, fds };
      const piece = receive(socket, deadline);
      fds.push(...piece.fds);
      if (piece.bytes.length === 0) return { bytes, fds };
      bytes = new Uint8Array([...bytes, ...piece.bytes]);
    }
  } catch (error) {
    for (const fd of fds) libc.close(fd);
    throw error;
  }
}

/** Waits until the other side has closed its socket. */
export function waitForHangup(socket: number, deadline: Deadline): void {
  for (;;) {
    // A side that closes with bytes unread resets the connection; it has hung up all the same.
    const piece = libc.unless([libc.errnos.ECONNRESET], () => receive(socket, deadline));
    if (piece === undefined || piece.bytes.length === 0) return;
  }
}

// The whole

export interface Offer {
  wire?: Wire;
  /** One arena for a channel, two (forward, reverse) for RPC. */
  arenas: readonly Arena[];
}

/** Listens, hands the memory to the first that connects, and says who that was. */
export function listenOnce(path: string, offer: Offer, deadline: Deadline): Credentials {
  const listener = openListener(path);
  try {
    const socket = acceptPeer(listener, deadline);
    try {
      const [forward, reverse] = offer.arenas;
      const fields = honestHandshake(offer.wire ?? 4, forward?.capacity ?? 0, reverse?.capacity);
      const bytes = encodeHandshake(offer.wire ?? 4, fields);
      const fds = offer.arenas.map((arena) => arena.fd);
      const credentials = libc.peerCredentials(socket);
      libc.sendMessage(socket, bytes, fds);
      return credentials;
    } finally {
      libc.close(socket);
    }
  } finally {
    closeListener(listener, path);
  }
}

export interface Met {
  readonly handshake: Handshake;
  readonly arenas: readonly Arena[];
  readonly peer: Credentials;
}

/** Connects, and maps what the listener offers once everything that the wire demands of it holds. */
export function connectOnce(path: string, deadline: Deadline): Met {
  const socket = connectTo(path, deadline);
  try {
    const { bytes, fds } = receiveHandshake(socket, deadline);
    try {
      const handshake = decodeHandshake(bytes);
      checkHandshake(handshake);
      const arenas = mapAll(handshake, fds);
      return { handshake, arenas, peer: libc.peerCredentials(socket) };
    } catch (error) {
      for (const fd of fds) libc.close(fd);
      throw error;
    }
  } finally {
    libc.close(socket);
  }
}

/** Connects to a listener that must offer RPC. */
export function connectRpc(
  path: string,
  deadline: Deadline,
): Omit<Met, "arenas"> & { readonly arenas: readonly [Arena, Arena] } {
  const met = connectOnce(path, deadline);
  const [forward, reverse] = met.arenas;
  if (forward !== undefined && reverse !== undefined) return { ...met, arenas: [forward, reverse] };
  forward?.close();
  throw new Error("the listener offers a channel, expected RPC");
}

function expectEqual(what: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${what}: found ${found}, expected ${expected}`);
}

function checkHandshake(handshake: Handshake): void {
  const isRpc = (handshake.flags & flags.rpc) !== 0;
  expectEqual("alignment", handshake.alignment, alignment);
  expectEqual("unknown flags", handshake.flags & ~flags.rpc, 0);
  if (!isRpc) {
    expectEqual("capacity_rev", handshake.capacityRev, 0);
    expectEqual("shm_size_rev", handshake.shmSizeRev, 0);
  }
}

function mapAll(handshake: Handshake, fds: readonly number[]): Arena[] {
  const { version, capacity, shmSize, capacityRev, shmSizeRev } = handshake;
  const offered = [{ capacity, shmSize }];
  if (handshake.flags & flags.rpc) offered.push({ capacity: capacityRev, shmSize: shmSizeRev });
  expectEqual("descriptors", fds.length, offered.length);
  return offered.map((one, i) => mapOffered(fds[i] as number, version, one.capacity, one.shmSize));
}

function mapOffered(fd: number, version: number, capacity: number, shmSize: number): Arena {
  if (capacity < 2 * alignment || (capacity & (capacity - 1)) !== 0)
    throw new Error(`capacity ${capacity}`);
  expectEqual("shm_size", shmSize, controlSize + capacity);
  expectEqual("the file's size", libc.fileSize(fd), shmSize);
  expectEqual("seals", libc.getSeals(fd) & requiredSeals, requiredSeals);
  const arena = Arena.map(fd, capacity);
  const inMemory = honestHandshake(version as Wire, capacity);
  expectEqual("magic in memory", arena.load32(offsets.magic), inMemory.magic);
  expectEqual("version in memory", arena.load32(offsets.version), inMemory.version);
  expectEqual("capacity in memory", arena.load32(offsets.capacity), inMemory.capacity);
  expectEqual("alignment in memory", arena.load32(offsets.alignment), inMemory.alignment);
  return arena;
}
