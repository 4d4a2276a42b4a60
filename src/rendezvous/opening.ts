import type { Library } from "../../ffi/library.ts";
import { type LoadError, library as loadLibrary } from "../../ffi/load.ts";
import { interest, numbers, role, status } from "../../ffi/table.ts";
import { SystemError, UnauthorizedError } from "../errors.ts";
import { errorOf, timedOut } from "../failures.ts";
import { now } from "../loop/clock.ts";
import { pendingOf } from "../loop/pending.ts";
import { closeHandle, letMemoryGo, nextTurn } from "../loop/turns.ts";
import {
  type CheckedConnect,
  type CheckedListen,
  checkConnect,
  checkListen,
  checkPath,
} from "../options.ts";
import type { ConnectOptions, ListenOptions, Peer } from "../types.ts";
import { Backoff } from "./backoff.ts";
import { addListener, removeListener } from "./open-listeners.ts";
import { describePeer, peerOf, refusalOf } from "./welcome.ts";

type Offer = Pick<CheckedListen, "wire" | "capacity" | "spin">;

/** Which end this side takes. */
export type Role = (typeof role)[keyof typeof role];

/** What an established channel is made of, whichever end it is. */
export interface Established {
  readonly library: Library;
  readonly handle: number;
  readonly path: string;
  readonly peer: Peer;
  /** Microseconds of looking before sleeping. */
  readonly spin: number;
}

/** Binds the path and waits there until a welcome peer has taken its end of the channel. */
export function listenSync(as: Role, path: string, options?: ListenOptions): Established {
  const checked = checkListenAs(as, options);
  return new Opening(path, "listening", checked).runSync((it) => it.listen(as, checked));
}

/** Like `listenSync`, without blocking the event loop. */
export async function listen(
  as: Role,
  path: string,
  options?: ListenOptions,
): Promise<Established> {
  const checked = checkListenAs(as, options);
  checked.signal?.throwIfAborted();
  return await new Opening(path, "listening", checked).run((it) => it.listen(as, checked));
}

function checkListenAs(as: Role, options: ListenOptions | undefined): CheckedListen {
  const checked = checkListen(options);
  const isRpc = as === role.caller || as === role.callee;
  if (isRpc && checked.wire !== 4) {
    throw new RangeError(
      `wire is ${checked.wire}; expected 4, since the older ones have no request and reply`,
    );
  }
  return checked;
}

/** Connects to a listener and takes the other end of its channel. */
export function connectSync(as: Role, path: string, options?: ConnectOptions): Established {
  const checked = checkConnect(options);
  return new Opening(path, "connecting", checked).runSync((it) => it.connect(as, checked));
}

/** Like `connectSync`, without blocking the event loop. */
export async function connect(
  as: Role,
  path: string,
  options?: ConnectOptions,
): Promise<Established> {
  const checked = checkConnect(options);
  checked.signal?.throwIfAborted();
  return await new Opening(path, "connecting", checked).run((it) => it.connect(as, checked));
}

/** Something that is to be tried until it answers otherwise than `status.timeout` or `status.again`. */
interface Step {
  /** Tries, waiting on this thread for at most `timeout` milliseconds. */
  attempt(timeout: number): number;
  /** Whether the waiter can tell when the next attempt is worth while. */
  readonly isListening?: boolean;
}

type Steps = Generator<Step, Established, number>;

/** One handle on its way from nothing to a channel. */
class Opening {
  readonly #library: Library = openLibrary();
  readonly #handle: number;
  readonly #path: string;
  readonly #pathBytes: Uint8Array;
  readonly #doing: string;
  readonly #options: CheckedListen | CheckedConnect;
  readonly #deadline: number;
  /** The last connector that was not welcome, and why. */
  #sentAway: string | undefined;

  constructor(path: string, doing: string, options: CheckedListen | CheckedConnect) {
    this.#pathBytes = checkPath(path);
    this.#path = path;
    this.#doing = doing;
    this.#options = options;
    this.#deadline = now() + options.timeout;
    this.#handle = this.#library.calls.zc_endpoint_open();
    this.#check(this.#handle);
  }

  runSync(begin: (opening: this) => Steps): Established {
    try {
      const steps = begin(this);
      let next = steps.next();
      while (!next.done) next = steps.next(next.value.attempt(this.#left()));
      return next.value;
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  async run(begin: (opening: this) => Steps): Promise<Established> {
    try {
      const steps = begin(this);
      let next = steps.next();
      while (!next.done) next = steps.next(await this.#take(next.value));
      return next.value;
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  *listen(as: Role, { authorize, mode, ...offer }: CheckedListen): Steps {
    const { calls } = this.#library;
    const bytes = this.#pathBytes;
    this.#check(calls.zc_endpoint_listen(this.#handle, bytes, bytes.length, mode));
    addListener(this.#library, this.#handle);
    while (true) {
      const attempt = (timeout: number) => calls.zc_endpoint_accept(this.#handle, timeout);
      this.#check(yield { attempt, isListening: true });
      const peer = peerOf(calls, this.#handle);
      const refusal = refusalOf(peer, authorize, calls);
      if (refusal !== undefined) {
        this.#sentAway = `${describePeer("connector", peer)} was sent away: ${refusal}`;
      } else {
        const code = yield this.#establish(as, offer);
        if (code >= 0) return this.#established(peer);
        // A peer that went away before it had the memory makes room for the next one.
        if (code !== status.peerGone) this.#check(code);
      }
      calls.zc_endpoint_refuse(this.#handle);
      letMemoryGo(calls);
      // A crowd of strangers must not keep this going.
      if (this.#left() === 0) this.#check(status.timeout);
    }
  }

  *connect(as: Role, { retry, authorize, spin }: CheckedConnect): Steps {
    const { calls } = this.#library;
    const bytes = this.#pathBytes;
    const attempt = (timeout: number) => {
      return calls.zc_endpoint_connect(this.#handle, bytes, bytes.length, timeout, retry ? 1 : 0);
    };
    this.#check(yield { attempt });
    const peer = peerOf(calls, this.#handle);
    const refusal = refusalOf(peer, authorize, calls);
    if (refusal !== undefined) throw this.#unauthorized(peer, refusal);
    // Version and capacity are the listener's to choose.
    this.#check(
      yield this.#establish(as, { wire: numbers.wireMax, capacity: numbers.capacityMin, spin }),
    );
    return this.#established(peer);
  }

  #establish(as: Role, { wire, capacity, spin }: Offer): Step {
    const { zc_endpoint_establish } = this.#library.calls;
    return {
      attempt: (timeout) => zc_endpoint_establish(this.#handle, as, wire, capacity, spin, timeout),
    };
  }

  /** Takes a step without blocking: what it answers in the end. */
  async #take(step: Step): Promise<number> {
    const { signal } = this.#options;
    if (step.isListening) return await this.#accept(step);
    const backoff = new Backoff();
    while (true) {
      const code = step.attempt(0);
      const hasWorkLeft = code === status.again;
      if (!hasWorkLeft && code !== status.timeout) return code;
      if (this.#left() === 0) return status.timeout;
      if (hasWorkLeft) await nextTurn(this.#library);
      else await backoff.pause(this.#left(), signal);
      signal?.throwIfAborted();
    }
  }

  #accept(step: Step): Promise<number> {
    const waiter = { library: this.#library, handle: this.#handle, spin: 0 };
    const waits = pendingOf(waiter, interest.connector);
    const attempt = () => {
      const code = step.attempt(0);
      return code === status.timeout ? undefined : code;
    };
    const { signal } = this.#options;
    const waiting = { timeout: this.#left(), ...(signal && { signal }) };
    return waits.until(attempt, waiting, () => this.#error(status.timeout));
  }

  #unauthorized(peer: Peer, refusal: string): UnauthorizedError {
    const listener = describePeer("listener", peer);
    return new UnauthorizedError(
      `${this.#doing} (${this.#path}): ${listener} is not trusted: ${refusal}.`,
    );
  }

  #left(): number {
    return Math.max(0, this.#deadline - now());
  }

  #close(): void {
    removeListener(this.#handle);
    closeHandle(this.#library.calls, this.#handle);
  }

  #established(peer: Peer): Established {
    removeListener(this.#handle);
    const { spin } = this.#options;
    return { library: this.#library, handle: this.#handle, path: this.#path, peer, spin };
  }

  #check(code: number): void {
    if (code < 0) throw this.#error(code);
  }

  #error(code: number): Error {
    if (code === status.timeout && this.#sentAway !== undefined) {
      return timedOut(`${this.#doing} (${this.#path})`, this.#sentAway);
    }
    const attempt = { doing: this.#doing, path: this.#path };
    return errorOf(code, this.#library.calls, this.#handle, attempt);
  }
}

/**
 * The native library.
 *
 * @throws {SystemError} where there is none.
 */
export function openLibrary(): Library {
  try {
    return loadLibrary();
  } catch (cause) {
    throw new SystemError((cause as LoadError).message, "", "", { cause });
  }
}
