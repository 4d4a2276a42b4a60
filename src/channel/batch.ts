import { numbers } from "../../ffi/table.ts";
import { ClosedError } from "../errors.ts";
import { isU32 } from "../native-values.ts";
import type { MessageView } from "../types.ts";
import type { Channel } from "./channel.ts";

/**
 * Messages that lie in shared memory, in the order in which they were sent, until `release`.
 *
 * A peer that breaks the rules can change them while they are read; the copying calls are safe
 * against that.
 */
export interface Batch extends Disposable, Iterable<MessageView> {
  readonly length: number;

  /** A view into the ring. After `release` it shows other bytes, after `close` zeros; it never faults. */
  bytes(index: number): Uint8Array;

  /** Payload bytes of a message. */
  size(index: number): number;

  typeId(index: number): number;

  /** Where a payload starts in `memory`; with `size`, for readers that make no views. */
  offset(index: number): number;

  /** The whole mapping. One object for the channel's life. */
  readonly memory: DataView;

  /** Gives the messages' place back to the producer. Everything here then throws a `ClosedError`. */
  release(): void;
}

/** Numbers that native code writes for a message: offset, size, type. */
const { placeWords } = numbers;

/** The one batch of a consumer, lent again with every drain, so that a drain allocates nothing. */
export class ConsumerBatch implements Batch {
  readonly #channel: Channel;
  #places = new Uint32Array(placeWords * 1024);
  #length = 0;
  #isOpen = false;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Room for the places of `max` messages. */
  placesFor(max: number): Uint32Array {
    if (this.#places.length < placeWords * max) {
      this.#places = new Uint32Array(placeWords * max);
    }
    return this.#places;
  }

  open(length: number): this {
    this.#length = length;
    this.#isOpen = true;
    return this;
  }

  get length(): number {
    if (!this.#isOpen) throw this.#releasedError();
    return this.#length;
  }

  bytes(index: number): Uint8Array {
    this.#check(index);
    const at = placeWords * index;
    const { buffer } = this.#channel.memory;
    return new Uint8Array(buffer, this.#places[at], this.#places[at + 1]);
  }

  offset(index: number): number {
    this.#check(index);
    return this.#places[placeWords * index] as number;
  }

  size(index: number): number {
    this.#check(index);
    return this.#places[placeWords * index + 1] as number;
  }

  typeId(index: number): number {
    this.#check(index);
    return this.#places[placeWords * index + 2] as number;
  }

  get memory(): DataView {
    if (!this.#isOpen) throw this.#releasedError();
    return this.#channel.memory;
  }

  *[Symbol.iterator](): IterableIterator<MessageView> {
    for (let index = 0; index < this.length; index++) {
      yield { bytes: this.bytes(index), typeId: this.typeId(index) };
    }
  }

  release(): void {
    if (!this.#isOpen) return;
    this.finish();
    const code = this.#channel.calls.zc_consumer_release(this.#channel.handle);
    if (code < 0) this.#channel.fail(code, "releasing a batch");
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Also called when the consumer closes under an open batch. */
  finish(): void {
    this.#isOpen = false;
    this.#length = 0;
  }

  #check(index: number): void {
    // One comparison for the common case: a released batch has no length.
    if (isU32(index) && index < this.#length) return;
    if (!this.#isOpen) throw this.#releasedError();
    throw new RangeError(
      `reading a batch (${this.#channel.path}): the index is ${String(index)}; expected a whole number below ${this.#length}`,
    );
  }

  #releasedError(): ClosedError {
    return new ClosedError(
      `reading a batch (${this.#channel.path}): it was released, and its place belongs to the producer ` +
        "again. Read before the release, or copy what has to outlive it.",
    );
  }
}
