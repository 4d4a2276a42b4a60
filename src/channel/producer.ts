import { interest, role, status } from "../../ffi/table.ts";
import { ZerocrossError } from "../errors.ts";
import { timedOut } from "../failures.ts";
import {
  checkBytes,
  checkSize,
  checkSizes,
  checkTypeId,
  isU32,
  nativeLength,
} from "../native-values.ts";
import { checkTimeout } from "../options.ts";
import type { Established } from "../rendezvous/opening.ts";
import { connect, connectSync, listen, listenSync } from "../rendezvous/opening.ts";
import type { ConnectOptions, ListenOptions, Peer, ProducerStats, Waiting } from "../types.ts";
import { Channel } from "./channel.ts";
import { ProducerSlot, type Slot } from "./slot.ts";

/**
 * The sending end of a channel. One thread at a time.
 *
 * ```ts
 * using producer = Producer.connectSync("/run/feed.sock");
 * producer.sendSync(new TextEncoder().encode("hello"));
 * ```
 */
export class Producer implements Disposable {
  readonly #channel: Channel;
  readonly #calls: Channel["calls"];
  /** As the channel's, which is farther away. */
  #handle: number;
  readonly #slot: ProducerSlot;

  private constructor(established: Established) {
    this.#channel = new Channel(established);
    this.#calls = this.#channel.calls;
    this.#handle = this.#channel.handle;
    this.#slot = new ProducerSlot(this.#channel);
  }

  /**
   * Binds `path`, waits on this thread until a consumer connects, and makes the memory. The path is
   * gone when this returns.
   *
   * @throws {SystemError} when the path cannot be bound, or another process listens there.
   * @throws {DOMException} `TimeoutError`, when nobody came in time.
   */
  static listenSync(path: string, options?: ListenOptions): Producer {
    return new Producer(listenSync(role.producer, path, options));
  }

  /** Like `listenSync`, without blocking the event loop. An abort of `signal` frees the path. */
  static async listen(path: string, options?: ListenOptions): Promise<Producer> {
    return new Producer(await listen(role.producer, path, options));
  }

  /**
   * Connects to a consumer that listens on `path`, waiting on this thread.
   *
   * @throws {WireError} when the listener does not speak this wire.
   * @throws {UnauthorizedError} when `authorize` refuses the listener.
   * @throws {SystemError} when the path cannot be connected to.
   * @throws {DOMException} `TimeoutError`, when nobody accepted in time.
   */
  static connectSync(path: string, options?: ConnectOptions): Producer {
    return new Producer(connectSync(role.producer, path, options));
  }

  /** Like `connectSync`, without blocking the event loop. */
  static async connect(path: string, options?: ConnectOptions): Promise<Producer> {
    return new Producer(await connect(role.producer, path, options));
  }

  /** The consumer's process. */
  get peer(): Peer {
    return this.#channel.peer;
  }

  /** Bytes of the ring. */
  get capacity(): number {
    return this.#channel.capacity;
  }

  /** The most payload bytes of one message: `capacity / 2 - 64`, which fits from any position. */
  get maxMessageSize(): number {
    return this.#channel.maxMessageSize;
  }

  /**
   * Copies a message in and publishes it. False: the ring is full.
   *
   * @throws {RangeError} when it is larger than `maxMessageSize`.
   * @throws {PeerClosedError} when the consumer closed.
   * @throws {PeerDiedError} when its process ended, which is noticed within a few calls.
   */
  trySend(bytes: Uint8Array, typeId = 0): boolean {
    if (!(bytes instanceof Uint8Array) || !isU32(typeId)) this.#refuse(bytes, typeId);
    const size = nativeLength(bytes);
    const code = this.#calls.zc_producer_try_send(this.#handle, bytes, size, typeId >>> 0);
    if (code === status.ok) return true;
    if (code === status.again) return false;
    return this.#failSend(code, size, typeId);
  }

  /** Like `trySend`; while the ring is full, waits on this thread, which runs nothing else (see `Waiting`). */
  sendSync(bytes: Uint8Array, typeId = 0, waiting?: Waiting): void {
    if (!(bytes instanceof Uint8Array) || !isU32(typeId)) this.#refuse(bytes, typeId);
    const timeout = waiting === undefined ? Infinity : checkTimeout(waiting);
    const size = nativeLength(bytes);
    const code = this.#calls.zc_producer_send(this.#handle, bytes, size, typeId >>> 0, timeout);
    if (code !== status.ok) this.#failSend(code, size, typeId);
  }

  /**
   * Like `trySend`; while the ring is full, waits for the consumer without blocking the event loop.
   * Calls are answered in their order. Leave `bytes` as they are until the promise resolves: nothing is
   * copied before. How many wait is yours to limit, by awaiting them or with a `timeout`.
   */
  async send(bytes: Uint8Array, typeId = 0, waiting?: Waiting): Promise<void> {
    this.#refuse(bytes, typeId);
    const size = nativeLength(bytes);
    this.#checkMessageSize(size);
    const attempt = () => this.trySend(bytes, typeId) || undefined;
    await this.#until(attempt, waiting, `sending ${size} bytes`, size);
  }

  /**
   * Publishes many messages in one crossing: `sizes[i]` bytes each, back to back in `bytes`. Returns
   * how many fitted, from the first on.
   *
   * Towards a consumer that can take them, small messages share records, which is several times as fast.
   *
   * @throws {RangeError} when a message is larger than `maxMessageSize`, or `bytes` is shorter than
   * the sizes add up to. Nothing was sent then.
   */
  trySendMany(bytes: Uint8Array, sizes: Uint32Array, typeId = 0): number {
    checkBytes(bytes, "bytes");
    checkSizes(sizes);
    checkTypeId(typeId);
    const code = this.#calls.zc_producer_try_send_many(
      this.#handle,
      bytes,
      nativeLength(bytes),
      sizes,
      nativeLength(sizes),
      typeId >>> 0,
    );
    if (code < 0) this.#failSendMany(code, bytes, sizes);
    return code;
  }

  /**
   * A slot in shared memory to write one message of up to `size` bytes into. `undefined`: the ring is
   * full. There is one slot at a time, and the same object every time.
   *
   * ```ts
   * using slot = producer.tryClaim(16);
   * if (slot) { slot.bytes.set(header); slot.commit(); }
   * ```
   */
  tryClaim(size: number): Slot | undefined {
    if (!isU32(size)) checkSize(size, this.maxMessageSize, "the claimed size");
    const offset = this.#calls.zc_producer_try_claim(this.#handle, size >>> 0);
    if (offset >= 0) return this.#slot.open(offset, size);
    if (offset === status.again) return undefined;
    return this.#failClaim(offset, size);
  }

  /** Like `tryClaim`; while the ring is full, waits on this thread, which runs nothing else (see `Waiting`). */
  claimSync(size: number, waiting?: Waiting): Slot {
    if (!isU32(size)) checkSize(size, this.maxMessageSize, "the claimed size");
    const timeout = waiting === undefined ? Infinity : checkTimeout(waiting);
    const offset = this.#calls.zc_producer_claim(this.#handle, size >>> 0, timeout);
    if (offset >= 0) return this.#slot.open(offset, size);
    return this.#failClaim(offset, size);
  }

  /** Like `tryClaim`; while the ring is full, waits for the consumer without blocking the event loop. */
  async claim(size: number, waiting?: Waiting): Promise<Slot> {
    if (!isU32(size)) checkSize(size, this.maxMessageSize, "the claimed size");
    this.#checkMessageSize(size);
    return this.#until(() => this.tryClaim(size), waiting, `claiming ${size} bytes`, size);
  }

  /** Publishes what `Slot.stage` left unpublished. */
  flush(): void {
    const code = this.#calls.zc_producer_flush(this.#handle);
    if (code < 0) this.#channel.fail(code, "flushing");
  }

  stats(): ProducerStats {
    const { messages, bytes, misses, sleeps, queued } = this.#channel.counts();
    return { messages, bytes, full: misses, sleeps, queued };
  }

  /** Publishes what is staged, tells the consumer, and gives the memory back. May be called again. */
  close(): void {
    this.#slot.finish();
    this.#channel.close();
    this.#handle = this.#channel.handle;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #until<Value>(
    attempt: () => Value | undefined,
    waiting: Waiting | undefined,
    doing: string,
    size: number,
  ): Promise<Value> {
    const waits = this.#channel.waitsFor(interest.room);
    const timeoutError = () => timedOut(`${doing} (${this.#channel.path})`);
    return waits.until(attempt, waiting, timeoutError, size);
  }

  #refuse(bytes: Uint8Array, typeId: number): void {
    checkBytes(bytes, "bytes");
    checkTypeId(typeId);
  }

  #failSend(code: number, size: number, typeId: number): never {
    if (code === status.argument && !this.#channel.closed) {
      checkTypeId(typeId);
      this.#checkMessageSize(size);
      this.#checkNoSlot();
    }
    this.#channel.fail(code, `sending ${size} bytes`);
  }

  #failSendMany(code: number, bytes: Uint8Array, sizes: Uint32Array): never {
    const doing = `sending ${sizes.length} messages`;
    if (!this.#channel.closed && (code === status.argument || code === status.misuse)) {
      this.#checkNoSlot();
      let sum = 0;
      for (const size of sizes) {
        this.#checkMessageSize(size);
        sum += size;
      }
      throw new RangeError(
        `${doing} (${this.#channel.path}): the sizes add up to ${sum} bytes, and only ${nativeLength(bytes)} were given`,
      );
    }
    this.#channel.fail(code, doing);
  }

  #failClaim(code: number, size: number): never {
    if (code === status.argument && !this.#channel.closed) {
      this.#checkMessageSize(size);
      this.#checkNoSlot();
    }
    this.#channel.fail(code, `claiming ${size} bytes`);
  }

  #checkMessageSize(size: number): void {
    if (size <= this.maxMessageSize) return;
    throw new RangeError(
      `sending (${this.#channel.path}): the message has ${size} bytes; expected at most ${this.maxMessageSize} ` +
        `in a ring of ${this.capacity}. Send it in parts, or listen with a larger capacity.`,
    );
  }

  #checkNoSlot(): void {
    if (!this.#slot.isOpen) return;
    throw new ZerocrossError(
      "ERR_ZEROCROSS_SLOT_OPEN",
      `sending (${this.#channel.path}): a claimed slot is not finished. Commit, stage or roll it back first.`,
    );
  }
}
