import type { Library } from "../ffi/library.ts";
import { LoadError, library as loadLibrary } from "../ffi/load.ts";
import { numbers, status } from "../ffi/table.ts";
import {
  type CheckedConnect,
  type CheckedListen,
  checkConnect,
  checkListen,
  checkPath,
} from "./arguments.ts";
import type { Established } from "./channel.ts";
import { SystemError, UnauthorizedError } from "./errors.ts";
import { errorOf } from "./failures.ts";
import type { ConnectOptions, ListenOptions, Peer } from "./types.ts";

/** Which end of the channel this side takes; the numbers are those of `zc_endpoint_establish`. */
export const role = { producer: 0, consumer: 1 } as const;
export type Role = (typeof role)[keyof typeof role];

/** Binds the path and waits there until a welcome peer has taken its end of the channel. */
export function listenSync(as: Role, path: string, options?: ListenOptions): Established {
  const checked = checkListen(options);
  const rendezvous = new Rendezvous(path, "listening", checked.timeout);
  return rendezvous.closeOnError(() => rendezvous.listen(as, checked));
}

/** Connects to a listener and takes the other end of its channel. */
export function connectSync(as: Role, path: string, options?: ConnectOptions): Established {
  const checked = checkConnect(options);
  const rendezvous = new Rendezvous(path, "connecting", checked.timeout);
  return rendezvous.closeOnError(() => rendezvous.connect(as, checked));
}

/** One handle on its way from nothing to a channel. */
class Rendezvous {
  readonly #library: Library = openLibrary();
  readonly #handle: number;
  readonly #path: string;
  readonly #pathBytes: Uint8Array;
  readonly #doing: string;
  readonly #deadline: number;

  constructor(path: string, doing: string, timeout: number) {
    this.#pathBytes = checkPath(path);
    this.#path = path;
    this.#doing = doing;
    this.#deadline = performance.now() + timeout;
    this.#handle = this.#library.calls.zc_endpoint_open();
    this.#check(this.#handle);
  }

  closeOnError(step: () => Established): Established {
    try {
      return step();
    } catch (error) {
      this.#library.calls.zc_endpoint_close(this.#handle);
      throw error;
    }
  }

  listen(as: Role, options: CheckedListen): Established {
    const { calls } = this.#library;
    const bytes = this.#pathBytes;
    this.#check(calls.zc_endpoint_listen(this.#handle, bytes, bytes.length, options.mode));
    while (true) {
      this.#check(calls.zc_endpoint_accept(this.#handle, this.#left()));
      const peer = this.#peer();
      if (this.#isWelcome(peer, options.authorize) && this.#offer(as, options)) {
        return this.#established(peer);
      }
      calls.zc_endpoint_refuse(this.#handle);
      // A crowd of strangers must not keep this going.
      if (this.#left() === 0) this.#check(status.timeout);
    }
  }

  /** False: the peer went away before it had the memory, and the next one may come. */
  #offer(as: Role, { wire, capacity, spin }: CheckedListen): boolean {
    const { calls } = this.#library;
    const left = this.#left();
    const code = calls.zc_endpoint_establish(this.#handle, as, wire, capacity, spin, left);
    if (code === status.peerGone) return false;
    this.#check(code);
    return true;
  }

  connect(as: Role, { retry, authorize, spin }: CheckedConnect): Established {
    const { calls } = this.#library;
    const bytes = this.#pathBytes;
    const retries = retry ? 1 : 0;
    this.#check(
      calls.zc_endpoint_connect(this.#handle, bytes, bytes.length, this.#left(), retries),
    );
    const peer = this.#peer();
    if (!this.#isWelcome(peer, authorize)) throw this.#unauthorized(peer);
    // Version and capacity are the listener's to choose.
    const { capacityMin } = numbers;
    this.#check(calls.zc_endpoint_establish(this.#handle, as, 4, capacityMin, spin, this.#left()));
    return this.#established(peer);
  }

  #isWelcome(peer: Peer, authorize: ((peer: Peer) => boolean) | undefined): boolean {
    if (authorize !== undefined) return authorize(peer);
    return peer.uid === this.#library.calls.zc_process_uid();
  }

  #unauthorized(peer: Peer): UnauthorizedError {
    return new UnauthorizedError(
      `${this.#doing} (${this.#path}): the listener (pid ${peer.pid}, uid ${peer.uid}, gid ${peer.gid}) ` +
        "is not one that `authorize` accepts; without `authorize` it has to run as the same user as this process.",
    );
  }

  #peer(): Peer {
    const values = new Uint32Array(3);
    this.#check(this.#library.calls.zc_endpoint_peer(this.#handle, values));
    const [pid = 0, uid = 0, gid = 0] = values;
    return Object.freeze({ pid, uid, gid });
  }

  #left(): number {
    return Math.max(0, this.#deadline - performance.now());
  }

  #established(peer: Peer): Established {
    return { library: this.#library, handle: this.#handle, path: this.#path, peer };
  }

  #check(code: number): void {
    if (code >= 0) return;
    const attempt = { doing: this.#doing, path: this.#path };
    throw errorOf(code, this.#library.calls, this.#handle, attempt);
  }
}

function openLibrary(): Library {
  try {
    return loadLibrary();
  } catch (cause) {
    if (cause instanceof LoadError) throw new SystemError(cause.message, "", "", { cause });
    throw cause;
  }
}
