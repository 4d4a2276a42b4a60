import { interest, status } from "../../ffi/table.ts";
import { PeerClosedError, PeerDiedError } from "../errors.ts";
import { clearInterval, setInterval } from "../loop/clock.ts";
import { eventLoop, type Loop } from "../loop/loop.ts";
import type { Task } from "../loop/task.ts";
import { nativeLength } from "../native-values.ts";
import type { Established } from "../rendezvous/opening.ts";
import type { Peer, Request } from "../types.ts";
import { RpcEnd } from "./end.ts";
import { checkReply, failureReply } from "./failure-reply.ts";

export type Handler = (request: Request) => Uint8Array | Promise<Uint8Array>;

/** What a server hears of its connections. */
export interface ConnectionEvents {
  /** `error` says why, when the client did not simply close. */
  onEnd(connection: Connection, error?: Error): void;
  /** A handler threw. */
  onError(error: unknown): void;
}

/** Requests that are taken in one turn of the event loop, at most, so that other clients have theirs. */
const requestsPerTurn = 32;
/** Requests that may wait for their handlers; those that come later stay in the ring until then. */
const openMax = 1024;

/** Milliseconds for which a client may read nothing while its server stops. */
const readingMax = 5000;

/** A request that was taken, and its reply once there is one. */
interface Exchange {
  readonly idLow: number;
  readonly idHigh: number;
  bytes: Uint8Array | undefined;
  typeId: number;
}

/** One client of a server. */
export class Connection implements Task {
  readonly handle: number;
  readonly spin: number;
  readonly peer: Peer;
  readonly #end: RpcEnd;
  readonly #loop: Loop;
  readonly #handler: Handler;
  readonly #events: ConnectionEvents;
  /**
   * Exchanges whose replies are to be sent, in this order. For a client that takes replies in any
   * order they come here with their reply, for any other when the request is taken.
   */
  readonly #replies: Exchange[] = [];
  #takesAnyOrder: boolean | undefined;
  /** Requests that were taken and whose replies were not sent yet. */
  #open = 0;
  /** Requests that may still be taken. */
  #requestsLeft = Infinity;
  #hasEnded = false;
  #patience: ReturnType<typeof setInterval> | undefined;
  /** Whether a reply has found room since `#endIfStalled` last looked. */
  #hasRead = false;

  constructor(established: Established, handler: Handler, events: ConnectionEvents) {
    this.#end = new RpcEnd(established);
    this.handle = established.handle;
    this.spin = established.spin;
    this.peer = established.peer;
    this.#loop = eventLoop(established.library);
    this.#handler = handler;
    this.#events = events;
  }

  start(): void {
    if (!this.#hasEnded) this.#loop.start(this);
  }

  get isWaiting(): boolean {
    return !this.#hasEnded;
  }

  advance(): boolean {
    if (this.#hasEnded) return false;
    try {
      let count = this.#sendReplies();
      for (let taken = 0; taken < requestsPerTurn && this.#takesRequests; taken++) {
        if (!this.#takeRequest()) {
          if (this.#requestsLeft < Infinity) this.#requestsLeft = 0;
          break;
        }
        count += 1;
        this.#sendReplies();
      }
      if (!this.#takesRequests && !this.#hasReply) this.#end.checkPeer("waiting for handlers");
      this.#endIfFinished();
      return count > 0;
    } catch (error) {
      this.#finish(error instanceof PeerClosedError ? undefined : (error as Error));
      return true;
    }
  }

  fail(error: unknown): void {
    this.#finish(error as Error);
  }

  watch(arm: Parameters<Task["watch"]>[0]): void {
    if (this.#takesRequests) arm(interest.news, 0);
    else if (!this.#hasReply) arm(interest.end, 0);
    const reply = this.#replies[0]?.bytes;
    if (reply !== undefined) arm(interest.room, nativeLength(reply));
  }

  /** Answers what the client has asked by now, and then ends. */
  drain(): void {
    if (this.#hasEnded) return;
    // A client that goes on asking must not keep this going, so what its ring can hold is the most.
    this.#requestsLeft = this.#end.channel.capacity / 64;
    this.#hasRead = false;
    this.#patience = setInterval(() => this.#endIfStalled(), readingMax);
    this.#loop.wake(this);
  }

  /** While replies wait for room no request is taken: the client has to read first. */
  get #takesRequests(): boolean {
    return this.#open < openMax && this.#requestsLeft > 0 && !this.#hasReply;
  }

  get #hasReply(): boolean {
    return this.#replies[0]?.bytes !== undefined;
  }

  #takeRequest(): boolean {
    const bytes = this.#end.receiver.receive();
    if (bytes === status.again) return false;
    if (typeof bytes === "number") this.#end.channel.fail(bytes, "receiving a request");
    const { typeId, idLow, idHigh } = this.#end.receiver;
    this.#open += 1;
    this.#requestsLeft -= 1;
    const exchange: Exchange = { idLow, idHigh, bytes: undefined, typeId: 0 };
    // Known by now: a caller sets its abilities before its first call.
    this.#takesAnyOrder ??= this.#end.peerTakesAnyOrder;
    if (!this.#takesAnyOrder) this.#replies.push(exchange);
    try {
      const result = this.#handler({ bytes, typeId, peer: this.peer });
      if (result instanceof Uint8Array) this.#reply(exchange, result);
      else void this.#replyLater(exchange, result);
    } catch (error) {
      this.#replyFailure(exchange, error);
    }
    return true;
  }

  async #replyLater(exchange: Exchange, result: Promise<Uint8Array>): Promise<void> {
    try {
      this.#reply(exchange, await result);
    } catch (error) {
      this.#replyFailure(exchange, error);
    }
    if (this.#hasEnded) return;
    try {
      this.#sendReplies();
      this.#endIfFinished();
    } catch {
      // The next turn meets with the same error, and ends the connection.
    }
    this.#loop.wake(this);
  }

  #reply(exchange: Exchange, result: Uint8Array): void {
    if (this.#hasEnded) return;
    exchange.bytes = checkReply(result, this.#end);
    if (this.#takesAnyOrder) this.#replies.push(exchange);
  }

  #replyFailure(exchange: Exchange, error: unknown): void {
    this.#events.onError(error);
    if (this.#hasEnded) return;
    Object.assign(exchange, failureReply(error, this.#end));
    if (this.#takesAnyOrder) this.#replies.push(exchange);
  }

  /** Returns how many went, up to the first that there is no room for. */
  #sendReplies(): number {
    let count = 0;
    while (true) {
      const next = this.#replies[0];
      if (next?.bytes === undefined) return count;
      if (!this.#sendReply(next, next.bytes)) return count;
      this.#replies.shift();
      this.#open -= 1;
      this.#hasRead = true;
      count += 1;
    }
  }

  /** True also when the client has gone: the next receive says so, after its last request. */
  #sendReply({ typeId, idLow, idHigh }: Exchange, bytes: Uint8Array): boolean {
    try {
      return this.#end.trySend(bytes, typeId, idLow, idHigh, "replying");
    } catch (error) {
      if (error instanceof PeerClosedError || error instanceof PeerDiedError) return true;
      throw error;
    }
  }

  #endIfFinished(): void {
    if (this.#requestsLeft === 0 && this.#open === 0) this.#finish();
  }

  /** A client that does not read its replies must not keep a server from stopping. */
  #endIfStalled(): void {
    const { path } = this.#end.channel;
    if (this.#hasReply && !this.#hasRead) {
      this.#finish(
        new DOMException(
          `stopping (${path}): the client has read none of its replies for ${readingMax} ms.`,
          "TimeoutError",
        ),
      );
    }
    this.#hasRead = false;
  }

  #finish(error?: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#patience);
    this.#loop.stop(this);
    this.#end.channel.close();
    this.#events.onEnd(this, error);
  }
}
