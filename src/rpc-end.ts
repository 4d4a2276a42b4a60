import { numbers, status } from "../ffi/table.ts";
import { checkBytes, checkTypeId } from "./arguments.ts";
import { Channel, type Established } from "./channel.ts";
import { readFailure } from "./failures.ts";

/** Payloads up to this size are received into a buffer of the end's before they get their own. */
const scratchSizeMax = 4096;

/** The bits of `zc_rpc_peer_abilities`. */
const takesAnyOrder = 1;
const takesFailures = 2;
const marksFailures = 4;

/** One end of request and reply: what the calling and the answering side share. */
export class RpcEnd {
  readonly channel: Channel;
  /** Of what was received last: its type, and the lower and upper half of its correlation id. */
  readonly info = new Uint32Array(3);
  readonly #scratch: Uint8Array;

  constructor(established: Established) {
    this.channel = new Channel(established);
    this.#scratch = new Uint8Array(Math.min(scratchSizeMax, this.channel.maxMessageSize));
  }

  /** False: there is no room. */
  trySend(
    bytes: Uint8Array,
    typeId: number,
    idLow: number,
    idHigh: number,
    doing: string,
  ): boolean {
    const { calls, handle } = this.channel;
    const code = calls.zc_rpc_try_send(handle, bytes, bytes.length, typeId, idLow, idHigh);
    if (code === status.ok) return true;
    if (code === status.again) return false;
    return this.channel.fail(code, doing);
  }

  /** A copy of the next payload; `info` tells the rest. `undefined`: there is none. */
  tryReceive(doing: string): Uint8Array<ArrayBuffer> | undefined {
    const { calls, handle } = this.channel;
    const scratch = this.#scratch;
    const size = calls.zc_rpc_try_receive(handle, scratch, scratch.length, this.info);
    if (size >= 0) return scratch.slice(0, size) as Uint8Array<ArrayBuffer>;
    if (size === status.again) return undefined;
    if (size !== status.tooLarge) this.channel.fail(size, doing);
    const bytes = this.bufferForLarge();
    const code = calls.zc_rpc_try_receive(handle, bytes, bytes.length, this.info);
    if (code < 0) this.channel.fail(code, doing);
    return bytes;
  }

  /** After `status.tooLarge`: as many bytes as the message has that waits. */
  bufferForLarge(): Uint8Array<ArrayBuffer> {
    const { calls, handle } = this.channel;
    return new Uint8Array(readFailure(calls, handle).found);
  }

  get peerTakesAnyOrder(): boolean {
    return (this.#peerAbilities() & takesAnyOrder) !== 0;
  }

  get peerTakesFailures(): boolean {
    return (this.#peerAbilities() & takesFailures) !== 0;
  }

  get peerMarksFailures(): boolean {
    return (this.#peerAbilities() & marksFailures) !== 0;
  }

  #peerAbilities(): number {
    return this.channel.calls.zc_rpc_peer_abilities(this.channel.handle);
  }

  /** Checks what is to be sent, so that sending it can only fail for the channel's reasons. */
  check(bytes: Uint8Array, name: string): void {
    checkBytes(bytes, name);
    const { maxMessageSize, capacity, path } = this.channel;
    if (bytes.length <= maxMessageSize) return;
    throw new RangeError(
      `${name} (${path}): it has ${bytes.length} bytes; expected at most ${maxMessageSize} in a ring of ${capacity}. ` +
        "Send it in parts, or listen with a larger capacity.",
    );
  }
}

/** The type of a request or a reply. */
export function checkRpcTypeId(typeId: number): void {
  if (typeId === numbers.typeFailure) {
    throw new RangeError(
      "typeId is 0xFFFFFFFE, which marks failed replies; expected an integer from 0 to 0xFFFFFFFD",
    );
  }
  checkTypeId(typeId);
}
