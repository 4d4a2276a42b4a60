import { constants } from "node:os";
import type { Calls } from "../ffi/library.ts";
import { failureFields, numbers, role, status, subject } from "../ffi/table.ts";
import {
  ClosedError,
  CorruptError,
  PeerClosedError,
  PeerDiedError,
  SystemError,
  WireError,
  ZerocrossError,
} from "./errors.ts";
import type { Peer } from "./types.ts";

type Failure = Readonly<Record<(typeof failureFields)[number], number>>;

/** What a call was for, as the subject of an error's sentence. */
export interface Attempt {
  /** Such as `sending 32 bytes`. */
  readonly doing: string;
  readonly path: string;
  readonly peer?: Peer | undefined;
}

/** What native code noted when a call on `handle` failed. */
export function readFailure(calls: Calls, handle: number): Failure {
  const values = new Float64Array(failureFields.length);
  calls.zc_endpoint_failure(handle, values);
  const entries = failureFields.map((field, index) => [field, values[index]]);
  return Object.fromEntries(entries) as Failure;
}

/** The error for a negative `code` that a call on `handle` answered. */
export function errorOf(code: number, calls: Calls, handle: number, attempt: Attempt): Error {
  const at = `${attempt.doing} (${attempt.path})`;
  const peer = attempt.peer === undefined ? "the peer" : `the peer (pid ${attempt.peer.pid})`;
  switch (code) {
    case status.peerClosed:
      return new PeerClosedError(
        `${at}: ${peer} has closed its end. Close this end too; to go on, both sides open a new channel.`,
      );
    case status.peerDied:
      return new PeerDiedError(
        `${at}: ${peer} ended without closing, and what it had published before was delivered. ` +
          "Close this end; to go on, start that process again and open a new channel.",
      );
    case status.peerGone:
      return new PeerClosedError(
        `${at}: ${peer} left before it had taken the memory. It ended, or refused this process; ` +
          "others can connect as before.",
      );
    case status.handleClosed:
      return closedError(at);
    case status.handlesExhausted:
      return new ZerocrossError(
        "ERR_ZEROCROSS_TOO_MANY",
        `${at}: this process has ${numbers.handleCount} channels open or in use by views, the most there can be. ` +
          "Close some, and drop the views into closed ones.",
      );
    case status.pathEmpty:
      return new RangeError(
        `${at}: the path is empty; expected a file's path, or "@" and a name of the abstract namespace`,
      );
    case status.pathTooLong:
      return new RangeError(
        `${at}: the path is longer than a Unix socket's address holds; expected at most 107 bytes. ` +
          "Use a shorter path, or one relative to the working directory.",
      );
    case status.pathHasNul:
      return new RangeError(`${at}: the path has a zero byte in it; expected a path without one`);
  }
  return describedError(code, attempt, peer, readFailure(calls, handle));
}

/** The errors of which native code has noted the details. */
function describedError(code: number, attempt: Attempt, peer: string, failure: Failure): Error {
  const { path } = attempt;
  const at = `${attempt.doing} (${path})`;
  switch (code) {
    case status.timeout:
      return timeoutError(at, path, failure);
    case status.corrupt:
      return new CorruptError(`${at}: ${corruption(failure, peer)} Close the channel.`);
    case status.wire:
      return new WireError(
        `${at}: ${wireProblem(failure)} ` +
          "Check that what is on the other side speaks this wire, and is the other end of what this side opens.",
      );
    case status.addressInUse:
      return addressInUseError(at, failure);
    case status.pathRefused:
      return pathRefusedError(at, failure);
    case status.system:
      return systemError(at, path, failure);
  }
  return new ZerocrossError(
    "ERR_ZEROCROSS_INTERNAL",
    `${at}: the native library answered ${code}, which was not expected here. This is a bug in zerocross.`,
  );
}

export function closedError(at: string): ClosedError {
  return new ClosedError(`${at}: this end is closed. Open a new channel to go on.`);
}

/** `found`: a clause about what was met with meanwhile. */
export function timedOut(at: string, found = "it took longer than `timeout` allows"): DOMException {
  return new DOMException(`${at}: timed out: ${found}.`, "TimeoutError");
}

function timeoutError(at: string, path: string, failure: Failure): DOMException {
  const errno = errnoName(failure.errno);
  const elsewhere = isUnknownName(path, errno) ? `. ${nameElsewhere}` : "";
  const waitedFor: Record<number, string> = {
    [subject.connect]: `nobody accepted on the path (${errno}). Start the listener, or give more time${elsewhere}`,
    [subject.silence]: `the listener accepted and then sent ${failure.found} bytes of its handshake. Check what listens there`,
  };
  return timedOut(at, waitedFor[failure.subject]);
}

function pathRefusedError(at: string, failure: Failure): SystemError {
  const found = `${at}: there is ${standing(failure.subject)} at the path`;
  const errno = errnoName(failure.errno);
  if (errno === "ENOTSOCK") {
    return new SystemError(`${found}; expected a socket. Correct the path.`, "connect", errno);
  }
  return new SystemError(
    `${found}; expected nothing, or a socket that nobody listens on. It was left alone: ` +
      "choose another path, or remove it.",
    "bind",
    errno,
  );
}

function addressInUseError(at: string, failure: Failure): SystemError {
  const found =
    errnoName(failure.errno) !== "EADDRINUSE"
      ? `there is a socket at the path, and whether anybody listens on it cannot be known (${errnoName(failure.errno)})`
      : `${failure.pid > 0 ? `process ${failure.pid}` : "another process"} is listening there`;
  return new SystemError(
    `${at}: ${found}. It was left alone: choose another path, or stop that process.`,
    "bind",
    "EADDRINUSE",
  );
}

const nobodyListens = "Nobody listens there: start the listener first, or connect with `retry`.";
const nameElsewhere =
  "A name that begins with @ is known in one network namespace only: to meet a process of another " +
  "container, use a path in a folder that both have";

function isUnknownName(path: string, errno: string): boolean {
  return errno === "ECONNREFUSED" && path.startsWith("@");
}

function systemError(at: string, path: string, failure: Failure): SystemError {
  const call = nameOf(subject, failure.subject);
  const errno = errnoName(failure.errno);
  const isAtPath = ["bind", "connect", "unlink", "chmod"].includes(call);
  const sandboxed = "This kernel is too old, or a sandbox forbids it: allow that call.";
  const forbidden = isAtPath
    ? "This user may not do that there: change the permissions, or use another path or user."
    : sandboxed;
  const advice: Record<string, string> = {
    ENOENT:
      call === "connect"
        ? nobodyListens
        : "A folder of the path does not exist: create it, or correct the path.",
    ENOTDIR: "A part of the path is not a folder: correct the path.",
    EACCES: forbidden,
    EPERM: forbidden,
    ENOSYS: sandboxed,
    EROFS: "The file system is read-only: use another path.",
    ECONNREFUSED: isUnknownName(path, errno) ? `${nobodyListens} ${nameElsewhere}.` : nobodyListens,
    EAGAIN: "The listener has more connectors waiting than it takes: connect with `retry`.",
    EMFILE: "This process has too many descriptors open: close some, or raise its limit.",
    ENFILE: "The system has too many files open.",
    ETOOMANYREFS:
      "This user has too many descriptors under way between processes: have them received, or raise the limit of open files.",
    ENOMEM: "There is not enough memory: use a smaller `capacity`, or raise the limit.",
    EFBIG:
      "A file may not be that large here: use a smaller `capacity`, or raise the limit (ulimit -f).",
    ENOSPC:
      call === "bind"
        ? "There is no space left in that file system: free some, or use another path."
        : "There is no space left: use a smaller `capacity`, or free some.",
  };
  return new SystemError(
    `${at}: ${call} failed with ${errno}. ${advice[errno] ?? ""}`.trimEnd(),
    call,
    errno,
  );
}

function standing(what: number): string {
  const names: Record<number, string> = {
    [subject.regularFile]: "a regular file",
    [subject.directory]: "a directory",
    [subject.symlink]: "a symbolic link",
  };
  return names[what] ?? "something that is not a socket";
}

function wireProblem(failure: Failure): string {
  const { found, expected } = failure;
  const hex = (value: number) => `0x${value.toString(16).padStart(8, "0")}`;
  switch (failure.subject) {
    case subject.magic:
      return `its handshake begins with ${hex(found)}; expected ${hex(expected)}.`;
    case subject.version:
      return `its handshake is of version ${found}; expected 2, 3 or 4.`;
    case subject.alignment:
      return `its handshake says an alignment of ${found}; expected ${expected}.`;
    case subject.capacity:
      return `its handshake says a capacity of ${found}; expected ${expected === 0 ? "0" : `a power of two from ${numbers.capacityMinForeign} to ${expected}`}.`;
    case subject.flags:
      return `its handshake has the flags ${hex(found)}; expected ${hex(expected)}. It may be ${expected === 0 ? "an RPC endpoint" : "a plain channel"}.`;
    case subject.shmSize:
      return `its handshake says a memory of ${found} bytes; expected ${expected}.`;
    case subject.fileSize:
      return `the memory that it sent is ${found} bytes; expected ${expected}.`;
    case subject.seals:
      return `the memory that it sent has the seals ${hex(found)}; expected it sealed against shrinking, growing and further sealing, and open for writing.`;
    case subject.accessMode:
      return "the memory that it sent cannot be written; expected it open for reading and writing.";
    case subject.descriptors:
      return `it sent ${found} descriptors; expected ${expected}.`;
    case subject.truncated:
      return `it closed the connection after ${found} bytes of its handshake; expected ${expected}. It may have refused this process, taken another connector, or had no room for one.`;
    case subject.trailingBytes:
      return `it sent more than the ${expected} bytes of its handshake.`;
    case subject.role:
      return `the other side is a ${nameOf(role, found)} too; expected a ${nameOf(role, expected)}.`;
    case subject.memoryState:
      return `the state in its memory is ${found}; expected ${expected}.`;
  }
  const field = nameOf(subject, failure.subject);
  return `${field} in its memory is ${found}; expected ${expected}, as its handshake says.`;
}

function corruption({ subject: what, found, expected }: Failure, peer: string): string {
  switch (what) {
    case subject.head:
      return `${peer} moved head to ${found}; expected a multiple of 64 up to ${expected}, and never back.`;
    case subject.tail:
      return `${peer} moved tail to ${found}; expected a multiple of 64 up to ${expected}, and never back.`;
    case subject.headerReserved:
      return `${peer} wrote a record that reserves ${found} bytes; expected a multiple of 64, at least 64.`;
    case subject.headerEnd:
      return `${peer} wrote a record that reserves ${found} bytes; expected at most ${expected}, what is published before the ring's end.`;
    case subject.headerSize:
      return `${peer} wrote a record of ${found} bytes; expected at most the ${expected} that it reserves.`;
    case subject.skip:
      return `${peer} wrote a skip where none can be.`;
    case subject.entry:
      return `${peer} wrote a packed record with an entry of ${found} bytes; expected ${found < expected ? "at least" : "at most"} ${expected}.`;
    case subject.correlation:
      return found === 0
        ? `${peer} sent a message without a correlation id; expected 1 or more.`
        : `${peer} replied to call ${found}; expected at most ${expected}, the last one that was sent.`;
    case subject.sizeChanged:
      return `${peer} made a record of ${expected} bytes one of ${found}, after its size was read and before its bytes were.`;
    case subject.peerVerdict:
      return `${peer} found the ring broken and gave the channel up.`;
  }
  return `${peer} set the channel's state to ${found}; expected ${expected}.`;
}

function nameOf(table: Readonly<Record<string, number>>, value: number): string {
  const name = Object.keys(table).find((key) => table[key] === value) ?? String(value);
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function errnoName(errno: number): string {
  // `constants` of the runtimes has no ETOOMANYREFS.
  const names: Readonly<Record<string, number>> = { ...constants.errno, ETOOMANYREFS: 109 };
  return Object.keys(names).find((name) => names[name] === errno) ?? `errno ${errno}`;
}

/**
 * For a program that has not said who hears of errors. Of the system's the message says it all, and Deno
 * crashes when it makes a stack trace without a free descriptor, of which that message may be.
 */
export function printError(error: Error): void {
  console.error(error instanceof SystemError ? String(error) : error);
}
