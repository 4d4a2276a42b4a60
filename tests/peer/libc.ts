/**
 * The system calls of the test peer, through libc and not through the library under test. Every
 * structure that the kernel reads is laid out by hand in one scratch buffer, for Linux on 64 bits.
 */
import process from "node:process";

export type IntegerType = "i32" | "u32" | "i64" | "u64";
export type Signatures = Record<string, { args: IntegerType[]; returns: IntegerType }>;
export type ForeignFunctions = Record<string, (...args: (number | bigint)[]) => number | bigint>;

interface Foreign {
  openLibrary(name: string, signatures: Signatures): ForeignFunctions;
  addressOf(buffer: Uint8Array): number;
  memoryAt(address: number, length: number): ArrayBuffer;
}

// The name is computed so that neither runtime's checker follows the import into the other's file.
const runtime = process.versions.bun === undefined ? "deno" : "bun";
const foreign = (await import(`./libc-${runtime}.ts`)) as Foreign;

// fcntl, open and syscall are variadic; on x86-64 and arm64 Linux integers pass alike either way.
// The last argument of fcntl is 64 bits wide, because the kernel refuses seals with stray high bits.
const signatures = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "u64", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  accept4: { args: ["i32", "u64", "u64", "i32"], returns: "i32" },
  connect: { args: ["i32", "u64", "u32"], returns: "i32" },
  shutdown: { args: ["i32", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "u64", "u64"], returns: "i32" },
  sendmsg: { args: ["i32", "u64", "i32"], returns: "i64" },
  recvmsg: { args: ["i32", "u64", "i32"], returns: "i64" },
  poll: { args: ["u64", "u64", "i32"], returns: "i32" },
  memfd_create: { args: ["u64", "u32"], returns: "i32" },
  ftruncate: { args: ["i32", "i64"], returns: "i32" },
  lseek: { args: ["i32", "i64", "i32"], returns: "i64" },
  fcntl: { args: ["i32", "i32", "u64"], returns: "i32" },
  mmap: { args: ["u64", "u64", "i32", "i32", "i32", "i64"], returns: "i64" },
  munmap: { args: ["u64", "u64"], returns: "i32" },
  open: { args: ["u64", "i32", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  unlink: { args: ["u64"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  pipe2: { args: ["u64", "i32"], returns: "i32" },
  syscall: { args: ["i64", "u64", "i64", "i64", "u64", "u64", "i64"], returns: "i64" },
  __errno_location: { args: [], returns: "u64" },
} satisfies Signatures;

const functions = foreign.openLibrary("libc.so.6", signatures);
const errnoAddress = Number(functions.__errno_location?.());
const errno = new Int32Array(foreign.memoryAt(errnoAddress, 4));

export const errnos = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EAGAIN: 11,
  EPIPE: 32,
  ECONNRESET: 104,
  ECONNREFUSED: 111,
} as const;

export class LibcError extends Error {
  readonly errno: number;

  constructor(call: string, errno: number) {
    super(`${call} failed with errno ${errno}`);
    this.errno = errno;
  }
}

/** Calls one function of libc; a negative result is thrown with its errno. */
function libc(name: keyof typeof signatures, ...args: (number | bigint)[]): number {
  const result = Number(functions[name]?.(...args));
  if (result < 0) throw new LibcError(name, Atomics.load(errno, 0));
  return result;
}

/** Runs `attempt`; undefined when it fails with one of `expected`. */
export function unless<T>(expected: readonly number[], attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof LibcError && expected.includes(error.errno)) return undefined;
    throw error;
  }
}

/** One buffer for everything that the kernel reads or writes; large, so that it never moves. */
const scratch = new Uint8Array(64 * 1024);
const scratchView = new DataView(scratch.buffer);
const scratchAddress = foreign.addressOf(scratch);
const area = { struct: 0, iovec: 256, control: 1024, data: 8192 } as const;
const dataSizeMax = scratch.length - area.data;

function putString(text: string): number {
  const bytes = new TextEncoder().encode(`${text}\0`);
  scratch.set(bytes, area.struct);
  return scratchAddress + area.struct;
}

// Sockets

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const SO_PEERCRED = 17;

export function socket(): number {
  return libc("socket", AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK_CLOEXEC, 0);
}

/** Writes a sockaddr_un and returns its length. `@name` is a name of the abstract namespace. */
function putSocketAddress(path: string): number {
  const abstract = path.startsWith("@");
  const bytes = new TextEncoder().encode(abstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (bytes.length > 108) throw new RangeError(`too long for a socket: ${path}`);
  scratchView.setUint16(area.struct, AF_UNIX, true);
  scratch.set(bytes, area.struct + 2);
  return 2 + bytes.length;
}

export function bind(fd: number, path: string): void {
  const length = putSocketAddress(path);
  libc("bind", fd, scratchAddress + area.struct, length);
}

export function listen(fd: number, backlog: number): void {
  libc("listen", fd, backlog);
}

export function connect(fd: number, path: string): void {
  const length = putSocketAddress(path);
  libc("connect", fd, scratchAddress + area.struct, length);
}

export function accept(fd: number): number {
  return libc("accept4", fd, 0, 0, SOCK_NONBLOCK_CLOEXEC);
}

/** Ends the sending direction, so that the other side reads an end of file. */
export function shutdownWrite(fd: number): void {
  libc("shutdown", fd, 1);
}

export function peerCredentials(fd: number): { pid: number; uid: number; gid: number } {
  const at = area.struct;
  scratchView.setUint32(at + 16, 12, true);
  libc("getsockopt", fd, SOL_SOCKET, SO_PEERCRED, scratchAddress + at, scratchAddress + at + 16);
  const [pid, uid, gid] = [0, 4, 8].map((i) => scratchView.getInt32(at + i, true));
  return { pid: pid as number, uid: uid as number, gid: gid as number };
}

/** Lays out a msghdr over the data area and the control area and returns its address. */
function putMessageHeader(dataLength: number, controlLength: number): number {
  scratchView.setBigUint64(area.iovec, BigInt(scratchAddress + area.data), true);
  scratchView.setBigUint64(area.iovec + 8, BigInt(dataLength), true);
  scratch.fill(0, area.struct, area.struct + 56);
  scratchView.setBigUint64(area.struct + 16, BigInt(scratchAddress + area.iovec), true);
  scratchView.setBigUint64(area.struct + 24, 1n, true);
  if (controlLength > 0) {
    scratchView.setBigUint64(area.struct + 32, BigInt(scratchAddress + area.control), true);
    scratchView.setBigUint64(area.struct + 40, BigInt(controlLength), true);
  }
  return scratchAddress + area.struct;
}

/** One sendmsg: the bytes as the only iovec, the descriptors as one SCM_RIGHTS control message. */
export function sendMessage(fd: number, bytes: Uint8Array, fds: readonly number[]): number {
  const MSG_NOSIGNAL = 0x4000;
  scratch.set(bytes, area.data);
  const controlLength = fds.length === 0 ? 0 : 16 + 4 * fds.length;
  scratchView.setBigUint64(area.control, BigInt(controlLength), true);
  scratchView.setInt32(area.control + 8, SOL_SOCKET, true);
  scratchView.setInt32(area.control + 12, SCM_RIGHTS, true);
  fds.forEach((sent, i) => {
    scratchView.setInt32(area.control + 16 + 4 * i, sent, true);
  });
  const padded = Math.ceil(controlLength / 8) * 8;
  return libc("sendmsg", fd, putMessageHeader(bytes.length, padded), MSG_NOSIGNAL);
}

/** One recvmsg that does not wait. No bytes at all: the other side has ended. */
export function receiveMessage(fd: number): { bytes: Uint8Array; fds: number[] } {
  const MSG_CMSG_CLOEXEC = 0x40000000;
  const header = putMessageHeader(dataSizeMax, 2048);
  const length = libc("recvmsg", fd, header, MSG_CMSG_CLOEXEC);
  const fds: number[] = [];
  const controlEnd = Number(scratchView.getBigUint64(area.struct + 40, true));
  for (let at = 0; at + 16 <= controlEnd; ) {
    const control = area.control + at;
    const controlLength = Number(scratchView.getBigUint64(control, true));
    const isRights =
      scratchView.getInt32(control + 8, true) === SOL_SOCKET &&
      scratchView.getInt32(control + 12, true) === SCM_RIGHTS;
    for (let i = 16; isRights && i + 4 <= controlLength; i += 4) {
      fds.push(scratchView.getInt32(control + i, true));
    }
    at += Math.max(16, Math.ceil(controlLength / 8) * 8);
  }
  return { bytes: scratch.slice(area.data, area.data + length), fds };
}

/** Waits until `fd` has something to read, an end of file or an error. */
export function waitReadable(fd: number, timeoutMs: number): boolean {
  const POLLIN = 1;
  scratchView.setInt32(area.struct, fd, true);
  scratchView.setInt32(area.struct + 4, POLLIN, true);
  const ready = () => libc("poll", scratchAddress + area.struct, 1, Math.ceil(timeoutMs));
  return (unless([errnos.EINTR], ready) ?? 0) > 0;
}

export function sleep(timeoutMs: number): void {
  unless([errnos.EINTR], () => libc("poll", 0, 0, timeoutMs));
}

// Memory and files

export const seals = { seal: 1, shrink: 2, grow: 4, write: 8 } as const;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;

/** A new memory file that may be sealed and is closed on exec. */
export function createMemory(name: string): number {
  return libc("memfd_create", putString(name), 3);
}

export function truncate(fd: number, size: number): void {
  libc("ftruncate", fd, size);
}

export function fileSize(fd: number): number {
  return libc("lseek", fd, 0, 2);
}

export function addSeals(fd: number, set: number): void {
  libc("fcntl", fd, F_ADD_SEALS, set);
}

export function getSeals(fd: number): number {
  return libc("fcntl", fd, F_GET_SEALS, 0);
}

/** Maps shared and writable; returns the address and an ArrayBuffer over the mapping. */
export function map(fd: number, length: number): { address: number; memory: ArrayBuffer } {
  const address = libc("mmap", 0, length, 3, 1, fd, 0);
  return { address, memory: foreign.memoryAt(address, length) };
}

export function unmap(address: number, length: number): void {
  libc("munmap", address, length);
}

export function open(path: string, openFlags: number): number {
  const O_CLOEXEC = 0o2000000;
  return libc("open", putString(path), openFlags | O_CLOEXEC, 0o600);
}

export function close(fd: number): void {
  libc("close", fd);
}

export function unlink(path: string): void {
  libc("unlink", putString(path));
}

/** Locks what is open against every other opening of it, this process's own ones too. */
export function lock(fd: number): void {
  const LOCK_EX_NB = 2 | 4;
  libc("flock", fd, LOCK_EX_NB);
}

/** The reading and the writing end of a new pipe. */
export function pipe(): [number, number] {
  libc("pipe2", scratchAddress + area.struct, 0o2000000);
  return [scratchView.getInt32(area.struct, true), scratchView.getInt32(area.struct + 4, true)];
}

// Futexes; shared ones, since the two sides are two processes.

const SYS_futex = process.arch === "arm64" ? 98 : 202;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;

/** Sleeps while the word is `expected`, at most `timeoutMs`. Says nothing of why it woke. */
export function futexWait(address: number, expected: number, timeoutMs: number): void {
  const ETIMEDOUT = 110;
  scratchView.setBigInt64(area.struct, BigInt(Math.floor(timeoutMs / 1000)), true);
  scratchView.setBigInt64(area.struct + 8, BigInt(Math.floor((timeoutMs % 1000) * 1e6)), true);
  unless([errnos.EAGAIN, errnos.EINTR, ETIMEDOUT], () =>
    libc("syscall", SYS_futex, address, FUTEX_WAIT, expected, scratchAddress + area.struct, 0, 0),
  );
}

/** Wakes at most one sleeper; returns how many there were. */
export function futexWake(address: number): number {
  return libc("syscall", SYS_futex, address, FUTEX_WAKE, 1, 0, 0, 0);
}
