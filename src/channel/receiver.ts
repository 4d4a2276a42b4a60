import { status } from "../../ffi/table.ts";
import { readFailure } from "../failures.ts";
import type { Message } from "../types.ts";
import type { Channel } from "./channel.ts";

/** Messages up to this size are received into a buffer of the receiver before they get their own. */
const scratchSizeMax = 4096;

/** Receives copies of a channel's messages. */
export class Receiver {
  readonly scratch: Uint8Array<ArrayBuffer>;
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.scratch = new Uint8Array(Math.min(scratchSizeMax, channel.maxMessageSize));
  }

  /** `undefined`: nothing there now. `null`: closed, and everything was delivered. */
  tryReceive(): Message | undefined | null {
    const { calls, handle } = this.#channel;
    const code = calls.zc_consumer_try_receive(handle, this.scratch, this.scratch.length);
    return code === status.again ? undefined : this.taken(code);
  }

  /** What a receive into `scratch` has answered, as a message. */
  taken(code: number): Message | null {
    if (code >= 0) return { bytes: this.scratch.slice(0, code), typeId: this.#typeId() };
    if (code === status.peerClosed) return null;
    if (code !== status.tooLarge) this.#channel.fail(code, "receiving");
    const { calls, handle } = this.#channel;
    const bytes = new Uint8Array(readFailure(calls, handle).found);
    const size = calls.zc_consumer_try_receive(handle, bytes, bytes.length);
    if (size < 0) this.#channel.fail(size, "receiving");
    return { bytes, typeId: this.#typeId() };
  }

  #typeId(): number {
    return this.#channel.calls.zc_consumer_type_id(this.#channel.handle);
  }
}
