import { ClosedError } from "../errors.ts";
import { checkSize, checkTypeId, isU32 } from "../native-values.ts";
import type { Channel } from "./channel.ts";

const nothing = new Uint8Array(0);

/** A place in shared memory to write one message into. */
export interface Slot extends Disposable {
  /** In shared memory, as long as was claimed; of length 0 once the slot is finished. */
  readonly bytes: Uint8Array;

  /**
   * Publishes the first `size` bytes now (default: all), with everything staged before.
   *
   * @throws {ClosedError} when the slot is finished.
   * @throws {RangeError} when `size` is more than was claimed; the slot stays open.
   */
  commit(size?: number, typeId?: number): void;

  /** Like `commit`, but published with the next `commit`, `flush` or 32nd `stage`: for many small messages. */
  stage(size?: number, typeId?: number): void;

  /** Gives the place back: no message. Also what dispose does to an unfinished slot. */
  rollback(): void;
}

/** The one slot of a producer, lent again with every claim, so that a claim allocates nothing. */
export class ProducerSlot implements Slot {
  readonly #channel: Channel;
  #offset = 0;
  #size = 0;
  #bytes: Uint8Array = nothing;
  #isOpen = false;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(offset: number, size: number): this {
    this.#offset = offset;
    this.#size = size;
    this.#isOpen = true;
    return this;
  }

  get bytes(): Uint8Array {
    if (!this.#isOpen) return nothing;
    // Made when it is asked for, and once: a view costs more than all the rest of a claim.
    if (this.#bytes === nothing) {
      this.#bytes = new Uint8Array(this.#channel.memory.buffer, this.#offset, this.#size);
    }
    return this.#bytes;
  }

  commit(size: number = this.#size, typeId = 0): void {
    this.#check(size, typeId, "committing a slot");
    const code = this.#channel.calls.zc_producer_commit(
      this.#channel.handle,
      size >>> 0,
      typeId >>> 0,
    );
    this.finish();
    if (code < 0) this.#channel.fail(code, "committing a slot");
  }

  stage(size: number = this.#size, typeId = 0): void {
    this.#check(size, typeId, "staging a slot");
    const code = this.#channel.calls.zc_producer_stage(
      this.#channel.handle,
      size >>> 0,
      typeId >>> 0,
    );
    this.finish();
    if (code < 0) this.#channel.fail(code, "staging a slot");
  }

  rollback(): void {
    if (!this.#isOpen) throw this.#finishedError("rolling back a slot");
    this.finish();
    this.#channel.calls.zc_producer_rollback(this.#channel.handle);
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) this.rollback();
  }

  /** Also called when the producer closes under an open slot. */
  finish(): void {
    this.#isOpen = false;
    this.#bytes = nothing;
  }

  #check(size: number, typeId: number, doing: string): void {
    if (!this.#isOpen) throw this.#finishedError(doing);
    if (!isU32(size) || size > this.#size) checkSize(size, this.#size, "the committed size");
    checkTypeId(typeId);
  }

  #finishedError(doing: string): ClosedError {
    return new ClosedError(
      `${doing} (${this.#channel.path}): it is finished already. A slot is committed, staged or ` +
        "rolled back once: claim another one.",
    );
  }
}
