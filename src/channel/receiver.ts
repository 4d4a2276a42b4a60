import { receivedField, status } from "../../ffi/table.ts";
import type { Message } from "../types.ts";
import type { Channel } from "./channel.ts";

/** Payloads up to this size may be received into a buffer of the receiver before they get their own. */
const scratchSizeMax = 4096;

/** Payloads of one size in a row, from which on the next one's buffer is made before it comes. */
const rowMin = 32;

/**
 * Receives copies of messages, at a channel's end or one of request and reply. Each comes in one
 * crossing, or in two if it is larger than was expected.
 */
export class Receiver {
  readonly #channel: Channel;
  readonly #info = new Uint32Array(Object.keys(receivedField).length);
  readonly #scratch: Uint8Array<ArrayBuffer>;
  /** What the next payload is received into, and given away with if it has the size expected. */
  #prepared: Uint8Array<ArrayBuffer> | undefined;
  /** The size of the payload before, and how many in a row had it. */
  #size = 0;
  #row = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#scratch = new Uint8Array(Math.min(scratchSizeMax, channel.maxMessageSize));
  }

  /**
   * A copy of the next payload, for which it waits up to `timeout` milliseconds on this thread; the
   * getters below tell the rest. Or a status: why there is none.
   */
  receive(timeout?: number): Uint8Array<ArrayBuffer> | number {
    // Made while the payload is still on its way.
    if (this.#row >= rowMin) this.#prepared ??= new Uint8Array(this.#size);
    const into = this.#prepared ?? this.#scratch;
    const size = this.#receiveInto(into, timeout);
    if (size >= 0) return this.#own(into, size);
    return size === status.tooLarge ? this.#receiveLarger() : size;
  }

  /** `undefined`: nothing there now. `null`: closed, and everything was delivered. */
  tryReceive(): Message | undefined | null {
    const bytes = this.receive();
    return bytes === status.again ? undefined : this.#message(bytes);
  }

  /** Like `tryReceive`; while there is nothing, waits up to `timeout` milliseconds on this thread. */
  receiveSync(timeout: number): Message | null {
    return this.#message(this.receive(timeout));
  }

  /** The type of what was received last. */
  get typeId(): number {
    return this.#info[receivedField.typeId] as number;
  }

  /** The lower and the upper half of its correlation id. */
  get idLow(): number {
    return this.#info[receivedField.idLow] as number;
  }

  get idHigh(): number {
    return this.#info[receivedField.idHigh] as number;
  }

  #receiveInto(into: Uint8Array, timeout?: number): number {
    const { calls, handle } = this.#channel;
    if (timeout === undefined) {
      return calls.zc_endpoint_try_receive(handle, into, into.length, this.#info);
    }
    return calls.zc_endpoint_receive(handle, into, into.length, this.#info, timeout);
  }

  /** A message waits that is larger than was expected. It keeps its size, or the channel is broken. */
  #receiveLarger(): Uint8Array<ArrayBuffer> | number {
    const bytes = new Uint8Array(this.#info[receivedField.size] as number);
    const code = this.#receiveInto(bytes);
    if (code < 0) return code;
    this.#note(code);
    return bytes;
  }

  #own(into: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
    const isOwn = size === this.#prepared?.length;
    this.#note(size);
    return isOwn ? into : into.slice(0, size);
  }

  #note(size: number): void {
    this.#prepared = undefined;
    if (size !== this.#size) this.#row = 0;
    else if (this.#row < rowMin) this.#row += 1;
    this.#size = size;
  }

  #message(received: Uint8Array<ArrayBuffer> | number): Message | null {
    if (typeof received !== "number") return { bytes: received, typeId: this.typeId };
    if (received === status.peerClosed) return null;
    return this.#channel.fail(received, "receiving");
  }
}
