import type { Library } from "../../ffi/library.ts";
import { interest, status } from "../../ffi/table.ts";
import { UnauthorizedError } from "../errors.ts";
import { errorOf } from "../failures.ts";
import { clearTimeout, now, setTimeout } from "../loop/clock.ts";
import { eventLoop, type Loop } from "../loop/loop.ts";
import type { Task } from "../loop/task.ts";
import { type CheckedListen, checkPath } from "../options.ts";
import type { Peer } from "../types.ts";
import { Backoff } from "./backoff.ts";
import type { Established } from "./opening.ts";
import { openLibrary, type Role } from "./opening.ts";
import { isWelcome, peerOf } from "./welcome.ts";

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
  readonly deadline: number;
}

/** Listens on a path, and goes on listening after every handshake. */
export class Acceptor implements Task {
  readonly path: string;
  readonly handle: number;
  readonly isListening = true;
  /** Nobody is expected to connect at once. */
  readonly spin = 0;
  readonly library: Library;
  readonly #loop: Loop;
  readonly #role: Role;
  readonly #options: CheckedListen;
  readonly #events: AcceptorEvents;
  /** What the next connector gets. */
  #spare: number | undefined;
  readonly #admissions: Admission[] = [];
  #isKeptAdmitting = false;
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
    if (code >= 0) return;
    const error = this.#error(code);
    calls.zc_endpoint_close(this.handle);
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
    const { calls } = this.library;
    calls.zc_endpoint_close(this.handle);
    if (this.#spare !== undefined) calls.zc_endpoint_close(this.#spare);
    for (const { handle } of this.#admissions.splice(0)) calls.zc_endpoint_close(handle);
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
      if (!isWelcome(peer, this.#options.authorize, calls)) throw this.#unauthorized(peer);
      this.#admissions.push(admission);
    } catch (error) {
      calls.zc_endpoint_close(handle);
      if (error instanceof UnauthorizedError) this.#events.onLost(error);
      else this.#events.onError(error as Error);
    }
  }

  /** There may be room again in a while. */
  #pause(error: Error): void {
    this.#openAt = now() + retryPause;
    clearTimeout(this.#retry);
    if (this.#isStarted) this.#retry = setTimeout(() => this.#loop.wake(this), retryPause + 1);
    if (this.#isTroubled) return;
    this.#isTroubled = true;
    this.#events.onError(error);
  }

  /** Nobody says when a handshake was read. */
  async #keepAdmitting(): Promise<void> {
    this.#isKeptAdmitting = true;
    const backoff = new Backoff();
    while (this.isAdmitting) {
      await backoff.pause(handshakeMax, undefined);
      this.#admitAll();
    }
    this.#isKeptAdmitting = false;
  }

  #admitAll(): void {
    // Taken out first: an event may close this, or come back here.
    for (const admission of this.#admissions.splice(0)) {
      if (!this.#admit(admission)) this.#admissions.push(admission);
    }
  }

  /** Hands the memory over. False: it was not taken yet. */
  #admit({ handle, peer, deadline }: Admission): boolean {
    const { calls } = this.library;
    if (this.#isClosed) {
      calls.zc_endpoint_close(handle);
      return true;
    }
    const { wire, capacity, spin } = this.#options;
    const code = calls.zc_endpoint_establish(handle, this.#role, wire, capacity, spin, 0);
    if (code === status.timeout && now() < deadline) return false;
    if (code >= 0) {
      this.#events.onConnection({ library: this.library, handle, path: this.path, peer, spin });
    } else {
      const error = errorOf(code, calls, handle, this.#attempt(peer));
      calls.zc_endpoint_close(handle);
      if (code === status.peerGone || code === status.timeout) this.#events.onLost(error);
      else this.#events.onError(error);
    }
    return true;
  }

  #unauthorized(peer: Peer): UnauthorizedError {
    return new UnauthorizedError(
      `listening (${this.path}): the connector (pid ${peer.pid}, uid ${peer.uid}, gid ${peer.gid}) was sent away: ` +
        "`authorize` does not accept it; without `authorize` it has to run as the same user as this process.",
    );
  }

  #error(code: number): Error {
    return errorOf(code, this.library.calls, this.handle, this.#attempt());
  }

  #attempt(peer?: Peer) {
    return { doing: "listening", path: this.path, peer };
  }
}
