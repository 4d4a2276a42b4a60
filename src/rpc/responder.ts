import { role, status } from "../../ffi/table.ts";
import type { Channel } from "../channel/channel.ts";
import { nativeLength } from "../native-values.ts";
import type { Established } from "../rendezvous/opening.ts";
import { connect, connectSync, listen, listenSync } from "../rendezvous/opening.ts";
import type { ConnectOptions, ListenOptions, Peer, Request } from "../types.ts";
import { checkRpcTypeId, RpcEnd } from "./end.ts";
import { checkReply, failureReply, type Reply } from "./failure-reply.ts";

/**
 * Answers one client on a thread that does nothing else: the fastest way to answer.
 *
 * ```ts
 * using responder = RpcResponder.listenSync("/run/sum.sock");
 * responder.serveSync(({ bytes }) => Uint8Array.of(bytes.reduce((sum, byte) => sum + byte, 0)));
 * ```
 */
export class RpcResponder implements Disposable {
  readonly #end: RpcEnd;
  readonly #channel: Channel;

  private constructor(established: Established) {
    this.#end = new RpcEnd(established);
    this.#channel = this.#end.channel;
  }

  /**
   * Binds `path` and waits until one client connects. The path is gone then.
   *
   * @throws {SystemError} when the path cannot be bound, or another process listens there.
   * @throws {DOMException} `TimeoutError`, when nobody came in time.
   */
  static async listen(path: string, options?: ListenOptions): Promise<RpcResponder> {
    return new RpcResponder(await listen(role.callee, path, options));
  }

  /** Like `listen`, waiting on this thread. */
  static listenSync(path: string, options?: ListenOptions): RpcResponder {
    return new RpcResponder(listenSync(role.callee, path, options));
  }

  /**
   * Connects to a client that listens on `path`.
   *
   * @throws {WireError} when the listener does not speak this wire, or is a plain channel.
   * @throws {UnauthorizedError} when `authorize` refuses the listener.
   * @throws {SystemError} when the path cannot be connected to.
   * @throws {DOMException} `TimeoutError`, when nobody accepted in time.
   */
  static async connect(path: string, options?: ConnectOptions): Promise<RpcResponder> {
    return new RpcResponder(await connect(role.callee, path, options));
  }

  /** Like `connect`, waiting on this thread. */
  static connectSync(path: string, options?: ConnectOptions): RpcResponder {
    return new RpcResponder(connectSync(role.callee, path, options));
  }

  /** The client's process. */
  get peer(): Peer {
    return this.#channel.peer;
  }

  /**
   * Answers each request with what `handler` returns for it, until the client closes or the handler
   * closes this responder. A handler that throws fails that call only: the client gets an `RpcError`
   * with the message. `typeId` is that of the replies, 0 by default. While it waits this thread runs
   * nothing else, signal handlers neither: without a handler Ctrl-C ends the process, with one it waits.
   *
   * @throws {PeerDiedError} when the client's process ended.
   * @throws {CorruptError} when the client broke the ring.
   */
  serveSync(handler: (request: Request) => Uint8Array, options: { typeId?: number } = {}): void {
    const { typeId: givenTypeId = 0 } = options;
    const typeId = checkRpcTypeId(givenTypeId);
    if (typeof handler !== "function") {
      throw new TypeError(`handler is ${String(handler)}; expected a function of the request`);
    }
    while (true) {
      const request = this.#end.receiver.receive(Infinity);
      if (request === status.peerClosed) return;
      if (typeof request === "number") this.#channel.fail(request, "receiving a request");
      this.#answer(request, handler, typeId);
      if (this.#channel.closed) return;
    }
  }

  /** Tells the client. May be called again. */
  close(): void {
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #answer(
    bytes: Uint8Array<ArrayBuffer>,
    handler: (request: Request) => Uint8Array,
    typeId: number,
  ): void {
    const { typeId: requestType, idLow, idHigh } = this.#end.receiver;
    let reply: Reply;
    try {
      const result = handler({ bytes, typeId: requestType, peer: this.#channel.peer });
      reply = { bytes: checkReply(result, this.#end), typeId };
    } catch (error) {
      if (this.#channel.closed) throw error;
      reply = failureReply(error, this.#end);
    }
    const { calls, handle, closed } = this.#channel;
    if (closed) return;
    const code = calls.zc_rpc_send(
      handle,
      reply.bytes,
      nativeLength(reply.bytes),
      reply.typeId,
      idLow,
      idHigh,
      Infinity,
    );
    // That the client has gone is said by the next receive, after its last request.
    if (code >= 0 || code === status.peerClosed || code === status.peerDied) return;
    this.#channel.fail(code, "replying");
  }
}
