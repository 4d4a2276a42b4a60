/** Both ends of RPC, written from the wire's description. By default each is one of the family. */
import type { Arena } from "./arena.ts";
import { Consumer, type Received } from "./consumer.ts";
import type { Deadline } from "./deadline.ts";
import { Producer } from "./producer.ts";
import { abilities, failedTypeId, states } from "./wire.ts";

export interface RpcOptions {
  /**
   * Declares the additions to RPC. A caller then takes replies in any order and failed replies; a
   * callee marks failed replies, and answers out of order where the caller takes that.
   */
  ours?: boolean;
  /** Uses the express lane in both directions. */
  lane?: boolean;
  /** Sets the parking word while a ring is full, and wakes a side that did. */
  parks?: boolean;
  /** Publishes with every so many records, and before each wait. The family does with each. */
  publishEvery?: number;
}

/** Thrown for what no correct peer does; the state is then 4 in the arena where it was found. */
export class BrokenRpc extends Error {
  override name = "BrokenRpc";
}

export abstract class RpcEnd {
  readonly producer: Producer;
  readonly consumer: Consumer;
  #lastId = 0n;

  constructor(sending: Arena, receiving: Arena, options: RpcOptions) {
    const { lane = false, parks = false, publishEvery = 1 } = options;
    this.producer = new Producer(sending, { lane, parks, publishEvery });
    this.consumer = new Consumer(receiving, { lane, wakesProducer: parks });
  }

  /** The later of the two states: a peer that ends or finds a fault may say so in one arena only. */
  get state(): number {
    return Math.max(this.producer.arena.state, this.consumer.arena.state);
  }

  /** Whether one of the sides has closed or found a fault; a state that is garbage is neither. */
  get isOver(): boolean {
    const found = [this.producer.arena.state, this.consumer.arena.state];
    return found.includes(states.disconnected) || found.includes(states.fatal);
  }

  /** The id of the last request that was sent or taken. */
  get lastId(): bigint {
    return this.#lastId;
  }
  protected set lastId(id: bigint) {
    this.#lastId = id;
  }

  close(): void {
    this.producer.close();
    this.consumer.close();
  }

  /** The next record; null: the other side closed and everything was delivered. */
  protected receive(deadline: Deadline): Received | null {
    for (;;) {
      // The state is read before the ring: what was published before closing is found after it.
      const { state } = this;
      const message = this.consumer.tryReceive();
      if (message !== undefined) return message;
      if (state === states.disconnected) return null;
      if (state !== states.ready) this.refuse(`the other side set the state ${state}`);
      deadline.check("for a request or a reply");
      // The other side may be waiting for just what is staged here.
      this.producer.publish();
      this.consumer.sleep();
    }
  }

  /** Sends a record, waiting for room; false: the other side has left. */
  protected send(bytes: Uint8Array, typeId: number, id: bigint, deadline: Deadline): boolean {
    while (this.state === states.ready) {
      if (this.producer.trySend(bytes, typeId, id)) return true;
      this.producer.publish();
      deadline.check("for room in the ring");
      this.producer.park();
    }
    return false;
  }

  /** As the family does: the fault is told in the arena where it was found, and in no other. */
  protected refuse(what: string): never {
    this.consumer.arena.state = states.fatal;
    throw new BrokenRpc(what);
  }
}

export class Caller extends RpcEnd {
  readonly #ours: boolean;
  /** The ids of the requests whose replies have not come, the oldest first. */
  readonly #outstanding = new Set<bigint>();
  /** Replies that came before one to an earlier request. */
  overtaking = 0;

  constructor(forward: Arena, reverse: Arena, options: RpcOptions = {}) {
    super(forward, reverse, options);
    this.#ours = options.ours ?? false;
    if (this.#ours) {
      reverse.consumerAbilities |= abilities.repliesInAnyOrder | abilities.failedReplies;
    }
  }

  get outstanding(): number {
    return this.#outstanding.size;
  }

  /** Sends a request if there is room. Only a liar gives it another id than the next. */
  tryCall(bytes: Uint8Array, typeId = 0, id: bigint = this.lastId + 1n): boolean {
    if (!this.producer.trySend(bytes, typeId, id)) {
      this.producer.publish();
      return false;
    }
    this.#sent(id);
    return true;
  }

  /**
   * Sends a request, waiting for room; false: the callee has left. Only while no reply is due, since
   * a callee that has no room for its replies takes no requests.
   */
  call(bytes: Uint8Array, typeId: number, deadline: Deadline): boolean {
    const id = this.lastId + 1n;
    const sent = this.send(bytes, typeId, id, deadline);
    if (sent) this.#sent(id);
    return sent;
  }

  /** The next reply; undefined: there is none now. */
  tryReply(): Received | undefined {
    const reply = this.consumer.tryReceive();
    return reply && this.#accept(reply);
  }

  /** The next reply, waiting for it; null: the callee closed. */
  reply(deadline: Deadline): Received | null {
    const reply = this.receive(deadline);
    return reply && this.#accept(reply);
  }

  /** Whether the call failed. Of a callee that declared nothing the type means nothing. */
  isFailure(reply: Received): boolean {
    const marks = (this.consumer.arena.producerAbilities & abilities.failedReplies) !== 0;
    return marks && reply.typeId === failedTypeId;
  }

  #sent(id: bigint): void {
    this.lastId = id;
    this.#outstanding.add(id);
  }

  #accept(reply: Received): Received {
    const id = reply.correlationId;
    const [oldest] = this.#outstanding;
    if (id !== oldest) {
      if (!this.#ours || !this.#outstanding.has(id)) {
        this.refuse(`a reply to ${id}, expected one to ${oldest ?? "nothing"}`);
      }
      this.overtaking++;
    }
    this.#outstanding.delete(id);
    return reply;
  }
}

export class Callee extends RpcEnd {
  readonly #ours: boolean;
  /** The ids of the requests whose replies are not sent, the oldest first. */
  readonly #due = new Set<bigint>();
  /** Replies that wait for those before them. */
  readonly #held = new Map<bigint, { bytes: Uint8Array; typeId: number }>();

  constructor(forward: Arena, reverse: Arena, options: RpcOptions = {}) {
    super(reverse, forward, options);
    this.#ours = options.ours ?? false;
    if (this.#ours) reverse.producerAbilities |= abilities.failedReplies;
  }

  /** The next request; undefined: there is none now. */
  tryRequest(): Received | undefined {
    const request = this.consumer.tryReceive();
    return request && this.#accept(request);
  }

  /** The next request, waiting for it; null: the caller closed. */
  request(deadline: Deadline): Received | null {
    const request = this.receive(deadline);
    return request && this.#accept(request);
  }

  /**
   * Replies to a request that was taken; false: the caller has left. Towards a caller that takes
   * replies in order, the reply is held back until those before it are out.
   */
  answer(id: bigint, bytes: Uint8Array, typeId: number, deadline: Deadline): boolean {
    if (!this.#due.has(id)) throw new Error(`${id} is not a request that was taken`);
    if (this.#ours && this.#callerTakes(abilities.repliesInAnyOrder)) {
      return this.replyNow(id, bytes, typeId, deadline);
    }
    this.#held.set(id, { bytes, typeId });
    for (const next of this.#due) {
      const reply = this.#held.get(next);
      if (reply === undefined) break;
      this.#held.delete(next);
      if (!this.replyNow(next, reply.bytes, reply.typeId, deadline)) return false;
    }
    return true;
  }

  /** Replies that the call failed; a caller that does not take such replies gets no message. */
  fail(id: bigint, message: string, deadline: Deadline): boolean {
    if (!this.#ours) throw new Error("a callee of the family has no failed replies");
    const text = this.#callerTakes(abilities.failedReplies) ? message : "";
    return this.answer(id, new TextEncoder().encode(text), failedTypeId, deadline);
  }

  /** Sends a reply at once, whatever its id and whatever is due before it: also for a liar. */
  replyNow(id: bigint, bytes: Uint8Array, typeId: number, deadline: Deadline): boolean {
    this.#due.delete(id);
    return this.send(bytes, typeId, id, deadline);
  }

  #callerTakes(ability: number): boolean {
    return (this.producer.arena.consumerAbilities & ability) !== 0;
  }

  /** An id must be a fresh one. The family's ids have no gaps, but nothing depends on that. */
  #accept(request: Received): Received {
    const id = request.correlationId;
    if (id <= this.lastId) this.refuse(`request ${id} after request ${this.lastId}`);
    this.lastId = id;
    this.#due.add(id);
    return request;
  }
}
