import { interest, numbers, role, status } from "../../ffi/table.ts";
import type { Channel } from "../channel/channel.ts";
import type { Receiver } from "../channel/receiver.ts";
import { RpcError } from "../errors.ts";
import { closedError, timedOut } from "../failures.ts";
import { now } from "../loop/clock.ts";
import { type InLine, Line } from "../loop/line.ts";
import { eventLoop, type Loop } from "../loop/loop.ts";
import type { Task } from "../loop/task.ts";
import { startTimer } from "../loop/timer.ts";
import { nativeLength } from "../native-values.ts";
import { checkWaiting } from "../options.ts";
import type { Established } from "../rendezvous/opening.ts";
import { connect, connectSync, listen, listenSync } from "../rendezvous/opening.ts";
import type { ConnectOptions, ListenOptions, Message, Peer, Waiting } from "../types.ts";
import { CallTable } from "./calls.ts";
import { checkRpcTypeId, RpcEnd } from "./end.ts";

export interface CallOptions extends Waiting {
  /** The request's type, from 0 to 0xFFFFFFFD. Default 0. */
  typeId?: number;
}

/** Replies that are taken in one turn of the event loop, at most. */
const repliesPerTurn = 256;

interface Call extends InLine<Call> {
  /** 0 until it is sent. */
  id: number;
  bytes: Uint8Array;
  readonly typeId: number;
  readonly resolve: (reply: Message) => void;
  readonly reject: (error: unknown) => void;
  release: (() => void) | undefined;
}

/**
 * Asks a server on the same machine. Any number of calls may be under way.
 *
 * ```ts
 * using client = await RpcClient.connect("/run/sum.sock");
 * const { bytes } = await client.call(Uint8Array.of(1, 2, 3), { timeout: 100 });
 * ```
 */
export class RpcClient implements Disposable {
  readonly #end: RpcEnd;
  readonly #channel: Channel;
  readonly #receiver: Receiver;
  readonly #task: Task;
  readonly #sent = new CallTable<Call>();
  /** Those that wait for room. */
  readonly #unsent = new Line<Call>();
  /** Set by the first call that needs it. */
  #loop: Loop | undefined;
  #lastId = 0;

  private constructor(established: Established) {
    this.#end = new RpcEnd(established);
    this.#channel = this.#end.channel;
    this.#receiver = this.#end.receiver;
    this.#task = this.#makeTask();
  }

  /**
   * Connects to a server that listens on `path`.
   *
   * @throws {WireError} when the listener does not speak this wire, or is a plain channel.
   * @throws {UnauthorizedError} when `authorize` refuses the listener.
   * @throws {SystemError} when the path cannot be connected to.
   * @throws {DOMException} `TimeoutError`, when nobody accepted in time.
   */
  static async connect(path: string, options?: ConnectOptions): Promise<RpcClient> {
    return new RpcClient(await connect(role.caller, path, options));
  }

  /** Like `connect`, waiting on this thread. */
  static connectSync(path: string, options?: ConnectOptions): RpcClient {
    return new RpcClient(connectSync(role.caller, path, options));
  }

  /**
   * Binds `path` and waits until one server connects. The path is gone then.
   *
   * @throws {SystemError} when the path cannot be bound, or another process listens there.
   * @throws {DOMException} `TimeoutError`, when nobody came in time.
   */
  static async listen(path: string, options?: ListenOptions): Promise<RpcClient> {
    return new RpcClient(await listen(role.caller, path, options));
  }

  /** Like `listen`, waiting on this thread. */
  static listenSync(path: string, options?: ListenOptions): RpcClient {
    return new RpcClient(listenSync(role.caller, path, options));
  }

  /** The server's process. */
  get peer(): Peer {
    return this.#channel.peer;
  }

  /**
   * Sends a request and resolves with its reply. `bytes` may be used again at once.
   *
   * While the server is behind and the ring full, calls wait here in their order, each with a copy of its
   * bytes. There is no limit but yours to how many: await replies before you ask for more, or give calls
   * a `timeout`, after which nothing of them is left.
   *
   * A call that ends by its timeout or signal is over for this side only; its reply is dropped when
   * it comes.
   *
   * @throws {RpcError} when the handler on the other side threw; the message is the handler's.
   * @throws {RangeError} when the request is larger than `capacity / 2 - 64` bytes.
   * @throws {PeerClosedError} when the server closed; for every call that was under way.
   * @throws {PeerDiedError} when its process ended.
   * @throws {DOMException} `TimeoutError`, when no reply came in time.
   */
  call(bytes: Uint8Array, options?: CallOptions): Promise<Message> {
    return new Promise((resolve, reject) => {
      const waiting = checkWaiting(options);
      const typeId = this.#checkCall(bytes, options);
      waiting.signal?.throwIfAborted();
      const call: Call = {
        ahead: undefined,
        behind: undefined,
        id: 0,
        bytes,
        typeId,
        resolve,
        reject,
        release: undefined,
      };
      if (!this.#unsent.isEmpty || !this.#send(call)) {
        call.bytes = copyOf(bytes);
        this.#unsent.push(call);
      }
      if (options !== undefined) {
        call.release = startTimer(waiting, (reason) => {
          this.#giveUp(call, reason === undefined ? this.#timedOut() : reason);
        });
      }
      this.#loop ??= eventLoop(this.#channel.library);
      this.#loop.start(this.#task);
    });
  }

  /**
   * Like `call`, waiting on this thread, which runs nothing else (see `Waiting`). The replies to other
   * calls that come meanwhile are kept.
   */
  callSync(bytes: Uint8Array, options?: CallOptions): Message {
    const { timeout } = checkWaiting(options);
    const typeId = this.#checkCall(bytes, options);
    const deadline = timeout === Infinity ? undefined : now() + timeout;
    const id = this.#sendSync(bytes, typeId, deadline);
    while (true) {
      const reply = this.#receiver.receive(
        deadline === undefined ? Infinity : millisecondsTo(deadline),
      );
      if (reply === status.timeout) throw this.#timedOut();
      if (typeof reply === "number") this.#channel.fail(reply, "receiving a reply");
      if (this.#receivedId() === id) return this.#message(reply);
      this.#deliver(reply);
    }
  }

  /** Tells the server; every call that is under way rejects. May be called again. */
  close(): void {
    if (this.#channel.closed) return;
    this.#loop?.stop(this.#task);
    this.#channel.close();
    this.#failAll(closedError(`calling (${this.#channel.path})`));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #makeTask(): Task {
    const { handle, spin } = this.#channel;
    const isWaiting = () => this.#sent.size > 0 || !this.#unsent.isEmpty;
    return {
      handle,
      spin,
      get isWaiting() {
        return isWaiting();
      },
      advance: () => this.#advance(),
      fail: (error) => this.#failAll(error),
      watch: (arm) => {
        arm(interest.news, 0);
        const next = this.#unsent.first;
        if (next !== undefined) arm(interest.room, next.bytes.length);
      },
    };
  }

  #advance(): boolean {
    let count = 0;
    try {
      while (count < repliesPerTurn && this.#takeReply()) count += 1;
      for (let next = this.#unsent.first; next !== undefined; next = this.#unsent.first) {
        if (!this.#send(next)) break;
        this.#unsent.remove(next);
        count += 1;
      }
    } catch (error) {
      this.#failAll(error);
    }
    return count > 0;
  }

  /** False: there is none. */
  #takeReply(): boolean {
    const reply = this.#receiver.receive();
    if (reply === status.again) return false;
    if (typeof reply === "number") this.#channel.fail(reply, "receiving a reply");
    this.#deliver(reply);
    return true;
  }

  /** Hands a reply to its call, if that still waits. */
  #deliver(bytes: Uint8Array<ArrayBuffer>): void {
    const call = this.#sent.take(this.#receivedId());
    if (call === undefined) return;
    call.release?.();
    try {
      call.resolve(this.#message(bytes));
    } catch (error) {
      call.reject(error);
    }
  }

  /** @throws {RpcError} when that is what the reply is. */
  #message(bytes: Uint8Array<ArrayBuffer>): Message {
    const { typeId } = this.#receiver;
    if (typeId === numbers.typeFailure && this.#end.peerMarksFailures) {
      throw new RpcError(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
    }
    return { bytes, typeId };
  }

  #receivedId(): number {
    return this.#receiver.idHigh * 2 ** 32 + this.#receiver.idLow;
  }

  /** False: there is no room. */
  #send(call: Call): boolean {
    const id = this.#lastId + 1;
    if (!this.#trySend(call.bytes, call.typeId, id)) return false;
    this.#lastId = id;
    call.id = id;
    this.#sent.add(call);
    return true;
  }

  #trySend(bytes: Uint8Array, typeId: number, id: number): boolean {
    return this.#end.trySend(bytes, typeId, id >>> 0, (id / 2 ** 32) >>> 0, "calling");
  }

  #sendSync(bytes: Uint8Array, typeId: number, deadline: number | undefined): number {
    const { calls, handle } = this.#channel;
    while (!this.#trySend(bytes, typeId, this.#lastId + 1)) {
      // The server may be waiting for room as well, which only this side can make.
      while (this.#takeReply());
      const code = calls.zc_rpc_wait(handle, nativeLength(bytes), millisecondsTo(deadline));
      if (code === status.timeout) throw this.#timedOut();
      if (code < 0) this.#channel.fail(code, "calling");
    }
    this.#lastId += 1;
    return this.#lastId;
  }

  #checkCall(bytes: Uint8Array, options: CallOptions | undefined): number {
    const { typeId = 0 } = options ?? {};
    const nativeTypeId = checkRpcTypeId(typeId);
    // Last: reading the options may run code of the user's, which may change the bytes.
    this.#end.check(bytes, "request");
    return nativeTypeId;
  }

  #giveUp(call: Call, error: unknown): void {
    if (call.id > 0) this.#sent.take(call.id);
    else this.#unsent.remove(call);
    call.release?.();
    call.reject(error);
    if (!this.#task.isWaiting) this.#loop?.stop(this.#task);
  }

  #failAll(error: unknown): void {
    const calls = [...this.#sent.takeAll(), ...this.#unsent.removeAll()];
    for (const call of calls) {
      call.release?.();
      call.reject(error);
    }
  }

  #timedOut(): DOMException {
    return timedOut(`calling (${this.#channel.path})`);
  }
}

/** Of a buffer that was transferred away nothing is left to copy, and the constructor would throw. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return nativeLength(bytes) === 0 ? new Uint8Array() : new Uint8Array(bytes);
}

function millisecondsTo(deadline: number | undefined): number {
  return deadline === undefined ? Infinity : Math.max(0, deadline - now());
}
