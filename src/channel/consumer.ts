import { interest, numbers, role, status } from "../../ffi/table.ts";
import { ZerocrossError } from "../errors.ts";
import { readFailure, timedOut } from "../failures.ts";
import { checkBytes, isU32, nativeLength } from "../native-values.ts";
import { checkTimeout } from "../options.ts";
import type { Established } from "../rendezvous/opening.ts";
import { connect, connectSync, listen, listenSync } from "../rendezvous/opening.ts";
import type {
  ConnectOptions,
  ConsumerStats,
  ListenOptions,
  Message,
  Peer,
  Waiting,
} from "../types.ts";
import { type Batch, ConsumerBatch } from "./batch.ts";
import { Channel } from "./channel.ts";
import { Receiver } from "./receiver.ts";

const defaultDrainMax = 1024;

/**
 * The receiving end of a channel. One thread at a time.
 *
 * ```ts
 * using consumer = Consumer.listenSync("/run/feed.sock");
 * let message: Message | null;
 * while ((message = consumer.receiveSync()) !== null) handle(message.bytes);
 * ```
 */
export class Consumer implements Disposable, AsyncIterable<Message> {
  readonly #channel: Channel;
  readonly #calls: Channel["calls"];
  /** As the channel's, which is farther away. */
  #handle: number;
  readonly #batch: ConsumerBatch;
  readonly #receiver: Receiver;

  private constructor(established: Established) {
    this.#channel = new Channel(established);
    this.#calls = this.#channel.calls;
    this.#handle = this.#channel.handle;
    this.#batch = new ConsumerBatch(this.#channel);
    this.#receiver = new Receiver(this.#channel);
  }

  /**
   * Binds `path`, waits on this thread until a producer connects, and makes the memory. The path is
   * gone when this returns.
   *
   * @throws {SystemError} when the path cannot be bound, or another process listens there.
   * @throws {DOMException} `TimeoutError`, when nobody came in time.
   */
  static listenSync(path: string, options?: ListenOptions): Consumer {
    return new Consumer(listenSync(role.consumer, path, options));
  }

  /** Like `listenSync`, without blocking the event loop. An abort of `signal` frees the path. */
  static async listen(path: string, options?: ListenOptions): Promise<Consumer> {
    return new Consumer(await listen(role.consumer, path, options));
  }

  /**
   * Connects to a producer that listens on `path`, waiting on this thread.
   *
   * @throws {WireError} when the listener does not speak this wire.
   * @throws {UnauthorizedError} when `authorize` refuses the listener.
   * @throws {SystemError} when the path cannot be connected to.
   * @throws {DOMException} `TimeoutError`, when nobody accepted in time.
   */
  static connectSync(path: string, options?: ConnectOptions): Consumer {
    return new Consumer(connectSync(role.consumer, path, options));
  }

  /** Like `connectSync`, without blocking the event loop. */
  static async connect(path: string, options?: ConnectOptions): Promise<Consumer> {
    return new Consumer(await connect(role.consumer, path, options));
  }

  /** The producer's process. */
  get peer(): Peer {
    return this.#channel.peer;
  }

  /** Bytes of the ring. */
  get capacity(): number {
    return this.#channel.capacity;
  }

  /** The most payload bytes of one message: `capacity / 2 - 64`. */
  get maxMessageSize(): number {
    return this.#channel.maxMessageSize;
  }

  /**
   * The next message, copied. `undefined`: nothing there now. `null`: the producer closed and
   * everything was delivered.
   *
   * @throws {PeerDiedError} when the producer's process ended and everything was delivered.
   * @throws {CorruptError} when the producer broke the ring; every good message before came first.
   */
  tryReceive(): Message | undefined | null {
    this.#checkNoBatch();
    return this.#receiver.tryReceive();
  }

  /** Like `tryReceive`; while there is nothing, waits on this thread, which runs nothing else (see `Waiting`). */
  receiveSync(waiting?: Waiting): Message | null {
    this.#checkNoBatch();
    return this.#receiver.receiveSync(waiting === undefined ? Infinity : checkTimeout(waiting));
  }

  /**
   * Like `tryReceive`; while there is nothing, waits without blocking the event loop. Calls are
   * answered in their order. One that ends without a message, by its timeout or signal, leaves the
   * message to the next.
   */
  receive(waiting?: Waiting): Promise<Message | null> {
    return this.#until(() => this.tryReceive(), waiting);
  }

  /** The messages to come. Ends when the producer has closed and everything was delivered. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (let next = await this.receive(); next !== null; next = await this.receive()) yield next;
  }

  /**
   * Copies the next payload into `into` and returns its size; `lastTypeId` then holds its type.
   * -1: nothing there. -2: the producer closed and everything was delivered. Allocates nothing.
   *
   * @throws {RangeError} when the payload is larger than `into`; the message stays.
   */
  tryReceiveInto(into: Uint8Array): number {
    if (!(into instanceof Uint8Array)) checkBytes(into, "into");
    const code = this.#calls.zc_consumer_try_receive(this.#handle, into, nativeLength(into));
    if (code >= status.peerClosed) return code;
    return this.#failInto(code, into);
  }

  /** Like `tryReceiveInto`; while there is nothing, waits as `receiveSync` does. Never -1. */
  receiveIntoSync(into: Uint8Array, waiting?: Waiting): number {
    if (!(into instanceof Uint8Array)) checkBytes(into, "into");
    const timeout = waiting === undefined ? Infinity : checkTimeout(waiting);
    const size = nativeLength(into);
    const code = this.#calls.zc_consumer_receive(this.#handle, into, size, timeout);
    if (code >= status.peerClosed) return code;
    return this.#failInto(code, into);
  }

  /** The type of the message that was received last; 0 before the first. */
  get lastTypeId(): number {
    if (this.#channel.closed) this.#channel.fail(status.handleClosed, "reading the last type");
    return this.#calls.zc_consumer_type_id(this.#handle);
  }

  /**
   * Up to `max` messages (default 1024) in place, without a copy, until the batch is released.
   * `undefined`: nothing there now. `null`: the producer closed and everything was delivered.
   *
   * There is one batch at a time, and the same object every time.
   *
   * ```ts
   * using batch = consumer.tryDrain();
   * for (let i = 0; i < (batch?.length ?? 0); i++) sum += batch.memory.getFloat64(batch.offset(i), true);
   * ```
   *
   * @throws {ZerocrossError} `ERR_ZEROCROSS_BATCH_OPEN`, when the batch before was not released.
   */
  tryDrain(max = defaultDrainMax): Batch | undefined | null {
    const limit = this.#drainLimit(max);
    const places = this.#batch.placesFor(limit);
    const code = this.#calls.zc_consumer_try_drain(this.#handle, places, limit);
    if (code > 0) return this.#batch.open(code);
    if (code === status.again) return undefined;
    return this.#drainOther(code);
  }

  /** Like `tryDrain`; while there is nothing, waits on this thread, which runs nothing else (see `Waiting`). */
  drainSync(max = defaultDrainMax, waiting?: Waiting): Batch | null {
    const limit = this.#drainLimit(max);
    const timeout = waiting === undefined ? Infinity : checkTimeout(waiting);
    const places = this.#batch.placesFor(limit);
    const code = this.#calls.zc_consumer_drain(this.#handle, places, limit, timeout);
    if (code > 0) return this.#batch.open(code);
    return this.#drainOther(code);
  }

  /** Like `tryDrain`; while there is nothing, waits without blocking the event loop. */
  async drain(max = defaultDrainMax, waiting?: Waiting): Promise<Batch | null> {
    this.#drainLimit(max);
    return this.#until(() => this.tryDrain(max), waiting);
  }

  stats(): ConsumerStats {
    const { messages, bytes, misses, sleeps, queued } = this.#channel.counts();
    return { messages, bytes, empty: misses, sleeps, queued };
  }

  /** Tells the producer and gives the memory back. May be called again. */
  close(): void {
    this.#batch.finish();
    this.#channel.close();
    this.#handle = this.#channel.handle;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #until<Value>(attempt: () => Value | undefined, waiting?: Waiting): Promise<Value> {
    const waits = this.#channel.waitsFor(interest.news);
    return waits.until(attempt, waiting, () => timedOut(`receiving (${this.#channel.path})`));
  }

  #failInto(code: number, into: Uint8Array): never {
    if (code === status.tooLarge) {
      const { found } = readFailure(this.#calls, this.#handle);
      throw new RangeError(
        `receiving (${this.#channel.path}): the message has ${found} bytes, and \`into\` holds ${nativeLength(into)}. ` +
          "It was not consumed: receive it into a larger buffer.",
      );
    }
    this.#fail(code);
  }

  #drainLimit(max: number): number {
    this.#checkNoBatch();
    if (!isU32(max) || max === 0) {
      throw new RangeError(`max is ${String(max)}; expected a whole number of messages, 1 or more`);
    }
    // No more fit into the ring, each being an entry of a packed record at least.
    return Math.min(max, this.capacity / numbers.entrySize);
  }

  #checkNoBatch(): void {
    if (!this.#batch.isOpen) return;
    throw new ZerocrossError(
      "ERR_ZEROCROSS_BATCH_OPEN",
      `receiving (${this.#channel.path}): a drained batch is not released. Release it first, or hold it with \`using\`.`,
    );
  }

  #fail(code: number): never {
    if (code === status.misuse) this.#checkNoBatch();
    this.#channel.fail(code, "receiving");
  }

  #drainOther(code: number): null {
    if (code === status.peerClosed) return null;
    this.#fail(code);
  }
}
