import { role } from "../../ffi/table.ts";
import { printError } from "../failures.ts";
import { checkListen } from "../options.ts";
import { Acceptor } from "../rendezvous/acceptor.ts";
import type { ListenOptions, Peer } from "../types.ts";
import { Connection, type Handler } from "./connection.ts";
import { isError, messageOf } from "./failure-reply.ts";

export interface ServeOptions
  extends Pick<ListenOptions, "capacity" | "mode" | "authorize" | "wait" | "signal"> {
  /** Where clients connect; a leading `@` names a socket of the abstract namespace. */
  path: string;
  /**
   * Answers a request. What it throws, or its promise rejects with, becomes an `RpcError` of that
   * call's. The bytes of a reply must not change after it was returned.
   *
   * Of one client at most 1,024 requests are open at a time, and none is taken while a reply finds no
   * room; the others stay in its ring, and hold the client up.
   */
  handler: Handler;
  /** A client has connected. */
  onOpen?: (peer: Peer) => void;
  /** A client is gone. `error` says why, when it did not simply close. */
  onClose?: (peer: Peer, error?: Error) => void;
  /**
   * A handler threw; somebody who connected was sent away, or left before the handshake was over; or
   * the system has no room for more, which is told once, until somebody connects again.
   *
   * Without it `console.error` prints what a handler threw, and that there is no room.
   */
  onError?: (error: Error) => void;
}

/** Answers the clients on one path. It keeps the process alive until it is stopped. */
export interface Server extends AsyncDisposable {
  readonly path: string;
  /** Clients that are connected now. */
  readonly connections: number;
  /**
   * Frees the path, answers what has been asked by now, and closes the connections. Resolves when
   * the last is closed: a handler that never settles keeps it from that, a client that reads nothing
   * for 5 seconds does not.
   */
  stop(): Promise<void>;
}

/**
 * Answers any number of clients on the event loop. Each has rings of its own, of `capacity` bytes
 * for requests and as many for replies.
 *
 * ```ts
 * await using server = await serve({
 *   path: "/run/sum.sock",
 *   handler: ({ bytes }) => Uint8Array.of(bytes.reduce((sum, byte) => sum + byte, 0)),
 * });
 * ```
 *
 * @throws {SystemError} when the path cannot be bound, or another process listens there.
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const { path, wait, capacity, mode, authorize, signal, handler } = options;
  const checked = checkListen({
    ...(capacity !== undefined && { capacity }),
    ...(mode !== undefined && { mode }),
    ...(authorize && { authorize }),
    ...(wait && { wait }),
    ...(signal && { signal }),
  });
  checkFunction("handler", handler);
  for (const name of ["onOpen", "onClose", "onError"] as const) {
    if (options[name] !== undefined) checkFunction(name, options[name]);
  }
  signal?.throwIfAborted();
  return new RpcServer(path, checked, options);
}

class RpcServer implements Server {
  readonly path: string;
  readonly #options: ServeOptions;
  readonly #acceptor: Acceptor;
  readonly #connections = new Set<Connection>();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #onAbort = () => void this.stop();
  #isStopping = false;

  constructor(path: string, checked: ReturnType<typeof checkListen>, options: ServeOptions) {
    this.path = path;
    this.#options = options;
    this.#acceptor = new Acceptor(role.callee, path, checked, {
      onConnection: (established) => {
        const connection = new Connection(established, options.handler, {
          onEnd: (ended, error) => this.#onEnd(ended, error),
          onError: (error) => this.#onError(error),
        });
        this.#connections.add(connection);
        this.#tell(() => this.#options.onOpen?.(connection.peer));
        connection.start();
      },
      onLost: (error) => this.#tell(() => this.#options.onError?.(error)),
      onError: (error) => this.#onError(error),
    });
    this.#acceptor.start();
    options.signal?.addEventListener("abort", this.#onAbort);
  }

  get connections(): number {
    return this.#connections.size;
  }

  stop(): Promise<void> {
    if (!this.#isStopping) {
      this.#isStopping = true;
      this.#acceptor.close();
      this.#options.signal?.removeEventListener("abort", this.#onAbort);
      for (const connection of this.#connections) connection.drain();
      this.#endIfStopped();
    }
    return this.#stopped.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #onEnd(connection: Connection, error: Error | undefined): void {
    this.#connections.delete(connection);
    this.#tell(() => this.#options.onClose?.(connection.peer, error));
    this.#endIfStopped();
  }

  #onError(error: unknown): void {
    const reason = isError(error) ? error : new Error(messageOf(error));
    const { onError = printError } = this.#options;
    this.#tell(() => onError(reason));
  }

  #endIfStopped(): void {
    if (this.#isStopping && this.#connections.size === 0) this.#stopped.resolve();
  }

  /** What a callback throws becomes an uncaught error of the program, and stops nothing here. */
  #tell(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function checkFunction(name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw new TypeError(`${name} is ${String(value)}; expected a function`);
}
