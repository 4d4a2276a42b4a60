import type { Library } from "../../ffi/library.ts";
import { interest, status } from "../../ffi/table.ts";
import { UnauthorizedError } from "../errors.ts";
import { errorOf } from "../failures.ts";
import { clearTimeout, now, setTimeout } from "../loop/clock.ts";
import { eventLoop, type Loop } from "../loop/loop.ts";
import type { Task } from "../loop/task.ts";
import { closeHandle, nextTurn } from "../loop/turns.ts";
import { type CheckedListen, checkPath } from "../options.ts";
import type { Peer } from "../types.ts";
import { Backoff } from "./backoff.ts";
import { addListener, removeListener } from "./open-listeners.ts";
import type { Established } from "./opening.ts";
import { openLibrary, type Role } from "./opening.ts";
import { describePeer, peerOf, refusalOf } from "./welcome.ts";

/** What becomes of those who connect. */
export interface AcceptorEvents {
  onConnection(established: Established): void;
  /** Somebody who connected was sent away, or left before the handshake was over. */
  onLost(error: Error): void;
  /** `authorize` threw, or the system has no room for more: then once, until somebody is accepted. */
  onError(error: Error): void;
}

/** Milliseconds for which a connector may leave the handshake unread. */
const handshakeMax = 5000;
/** Milliseconds until the next attempt, when the system had no room for another connection. */
const retryPause = 100;
/** Connectors that are accepted in one turn of the event loop, at most. */
const acceptedPerTurn = 16;

/** Somebody who has connected, and has not taken the memory yet. */
interface Admission {
  readonly handle: number;
  readonly peer: Peer;
  /** Counts from when the memory is made. */
  deadline: number;
}

/** Listens on a path, and goes on listening after every handshake. */
export class Acceptor implements Task {
  readonly path: string;
  readonly handle: number;
  readonly isListening = true;
  /** Connectors are rare, so the event loop does not look for them itself. */
  readonly spin = 0;
  readonly library: Library;
  readonly #loop: Loop;
  readonly #role: Role;
  readonly #options: CheckedListen;
  readonly #events: AcceptorEvents;
  /** A handle that the next connector gets. */
  #spare: number | undefined;
  readonly #admissions: Admission[] = [];
  #isKeptAdmitting = false;
  #hasWorkLeft = false;
  #isStarted = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #openAt = 0;
  /** Nobody could be accepted lately, and `onError` knows. */
  #isTroubled = false;
  #isClosed = false;

  /** @throws {SystemError} when the path cannot be bound, or another process listens there. */
  constructor(role: Role, path: string, options: CheckedListen, events: AcceptorEvents) {
    const bytes = checkPath(path);
    this.path = path;
    this.library = openLibrary();
    this.#loop = eventLoop(this.library);
    this.#role = role;
    this.#options = options;
    this.#events = events;
    const { calls } = this.library;
    this.handle = calls.zc_endpoint_open();
    if (this.handle < 0) throw this.#error(this.handle);
    const code = calls.zc_endpoint_listen(this.handle, bytes, bytes.length, options.mode);
    if (code >= 0) {
      addListener(this.library, this.handle);
      return;
    }
    const error = this.#error(code);
    closeHandle(calls, this.handle);
    throw error;
  }

  /** From now on the event loop accepts who connects, which keeps the process alive. */
  start(): void {
    this.#isStarted = true;
    if (this.isWaiting) this.#loop.start(this);
  }

  /** From now on only `advance` accepts anybody. */
  stop(): void {
    this.#isStarted = false;
    clearTimeout(this.#retry);
    this.#loop.stop(this);
  }

  get isWaiting(): boolean {
    return this.#isStarted && this.isOpen;
  }

  get isAdmitting(): boolean {
    return this.#admissions.length > 0;
  }

  /** Whether memory is being made for one of them. */
  get hasWorkLeft(): boolean {
    return this.#hasWorkLeft;
  }

  /** Not while the system has no room for another connection. */
  get isOpen(): boolean {
    return !this.#isClosed && now() >= this.#openAt;
  }

  /** Accepts who waits, and goes on with those whose handshake is not over. */
  advance(): boolean {
    let count = 0;
    while (count < acceptedPerTurn && this.isOpen && this.#acceptOne()) count += 1;
    this.#admitAll();
    if (this.isAdmitting && !this.#isKeptAdmitting) void this.#keepAdmitting();
    return count > 0;
  }

  /** Goes on looking now and then. */
  fail(error: unknown): void {
    this.#pause(error as Error);
  }

  watch(arm: Parameters<Task["watch"]>[0]): void {
    arm(interest.connector, 0);
  }

  /** Frees the path. Those who are connected are not concerned. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#loop.stop(this);
    removeListener(this.handle);
    const { calls } = this.library;
    closeHandle(calls, this.handle);
    if (this.#spare !== undefined) closeHandle(calls, this.#spare);
    for (const { handle } of this.#admissions.splice(0)) closeHandle(calls, handle);
  }

  /** False: nobody waits. */
  #acceptOne(): boolean {
    const { calls } = this.library;
    this.#spare ??= calls.zc_endpoint_open();
    const handle = this.#spare;
    const code = handle < 0 ? handle : calls.zc_endpoint_accept_from(handle, this.handle, 0);
    if (code === status.timeout) return false;
    if (handle < 0) this.#spare = undefined;
    if (code < 0) {
      this.#pause(errorOf(code, calls, handle, this.#attempt()));
      return false;
    }
    this.#spare = undefined;
    this.#isTroubled = false;
    this.#welcome({
      handle,
      peer: peerOf(calls, handle),
      deadline: now() + handshakeMax,
    });
    return true;
  }

  #welcome(admission: Admission): void {
    const { handle, peer } = admission;
    const { calls } = this.library;
    try {
      const refusal = refusalOf(peer, this.#options.authorize, calls);
      if (refusal !== undefined) throw this.#unauthorized(peer, refusal);
      this.#admissions.push(admission);
    } catch (error) {
      closeHandle(calls, handle);
      if (error instanceof UnauthorizedError) this.#events.onLost(error);
      else this.#events.onError(error as Error);
    }
  }

  /** Stops accepting for a while: the system may have room for a connection again after that. */
  #pause(error: Error): void {
    this.#openAt = now() + retryPause;
    clearTimeout(this.#retry);
    if (this.#isStarted) this.#retry = setTimeout(() => this.#loop.wake(this), retryPause + 1);
    if (this.#isTroubled) return;
    this.#isTroubled = true;
    this.#events.onError(error);
  }

  /** Goes on with handshakes in turns: nothing wakes this side when one was read. */
  async #keepAdmitting(): Promise<void> {
    this.#isKeptAdmitting = true;
    const backoff = new Backoff();
    while (this.isAdmitting) {
      if (this.#hasWorkLeft) await nextTurn(this.library);
      else await backoff.pause(handshakeMax, undefined);
      this.#admitAll();
    }
    this.#isKeptAdmitting = false;
  }

  /** Goes on with each, in turns, until memory was worked on: that is enough for a turn of the event loop. */
  #admitAll(): void {
    this.#hasWorkLeft = false;
    for (let left = this.#admissions.length; left > 0 && !this.#hasWorkLeft; left--) {
      // Taken out first: a callback may close this acceptor, or lead here again.
      const admission = this.#admissions.shift();
      if (admission === undefined) return;
      if (!this.#admit(admission)) this.#admissions.push(admission);
    }
  }

  /** Hands the memory over. False: it was not taken yet. */
  #admit(admission: Admission): boolean {
    const { handle, peer } = admission;
    const { calls } = this.library;
    if (this.#isClosed) {
      closeHandle(calls, handle);
      return true;
    }
    const { wire, capacity, spin } = this.#options;
    const code = calls.zc_endpoint_establish(handle, this.#role, wire, capacity, spin, 0);
    if (code === status.again) {
      this.#hasWorkLeft = true;
      admission.deadline = now() + handshakeMax;
      return false;
    }
    if (code === status.timeout && now() < admission.deadline) return false;
    if (code >= 0) {
      this.#events.onConnection({ library: this.library, handle, path: this.path, peer, spin });
    } else {
      const error = errorOf(code, calls, handle, this.#attempt(peer));
      closeHandle(calls, handle);
      if (code === status.peerGone || code === status.timeout) this.#events.onLost(error);
      else this.#events.onError(error);
    }
    return true;
  }

  #unauthorized(peer: Peer, refusal: string): UnauthorizedError {
    const connector = describePeer("connector", peer);
    return new UnauthorizedError(
      `listening (${this.path}): ${connector} was sent away: ${refusal}.`,
    );
  }

  #error(code: number): Error {
    return errorOf(code, this.library.calls, this.handle, this.#attempt());
  }

  #attempt(peer?: Peer) {
    return { doing: "listening", path: this.path, peer };
  }
}
