import { ability, numbers, status } from "../../ffi/table.ts";
import { Channel } from "../channel/channel.ts";
import { readFailure } from "../failures.ts";
import { checkBytes, checkTypeId, nativeLength } from "../native-values.ts";
import type { Established } from "../rendezvous/opening.ts";

/** Payloads up to this size may be received into a buffer of the end's before they get their own. */
const scratchSizeMax = 4096;

/** One end of request and reply: what the calling and the answering side share. */
export class RpcEnd {
  readonly channel: Channel;
  readonly #info = new Uint32Array(3);
  readonly #scratch: Uint8Array<ArrayBuffer>;
  /** What the next payload is received into if it has the size of the one before. */
  #prepared: Uint8Array<ArrayBuffer> | undefined;
  #sizeExpected = 0;

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
    const code = calls.zc_rpc_try_send(handle, bytes, nativeLength(bytes), typeId, idLow, idHigh);
    if (code === status.ok) return true;
    if (code === status.again) return false;
    return this.channel.fail(code, doing);
  }

  /**
   * A copy of the next payload, for which it waits up to `timeout` milliseconds on this thread; the
   * getters below tell the rest. Or a status: why there is none.
   */
  receive(timeout?: number): Uint8Array<ArrayBuffer> | number {
    const bytes = this.prepare();
    const size = this.#receiveInto(bytes, timeout);
    if (size === bytes.length) {
      this.#prepared = undefined;
      return bytes;
    }
    if (size === status.tooLarge) return this.#receiveLarger();
    return size < 0 ? size : this.#own(bytes, size);
  }

  /** The type of what was received last. */
  get typeId(): number {
    return this.#info[0] as number;
  }

  /** The lower and the upper half of its correlation id. */
  get idLow(): number {
    return this.#info[1] as number;
  }

  get idHigh(): number {
    return this.#info[2] as number;
  }

  /** Makes the buffer that the next payload probably needs, while that is still on its way. */
  prepare(): Uint8Array<ArrayBuffer> {
    this.#prepared ??= new Uint8Array(this.#sizeExpected);
    return this.#prepared;
  }

  /** A message waits that is larger than was expected. */
  #receiveLarger(): Uint8Array<ArrayBuffer> | number {
    const size = this.#receiveInto(this.#scratch);
    if (size >= 0) return this.#own(this.#scratch, size);
    if (size !== status.tooLarge) return size;
    const bytes = new Uint8Array(readFailure(this.channel.calls, this.channel.handle).found);
    const code = this.#receiveInto(bytes);
    return code < 0 ? code : bytes;
  }

  #receiveInto(into: Uint8Array, timeout?: number): number {
    const { calls, handle } = this.channel;
    if (timeout === undefined) {
      return calls.zc_rpc_try_receive(handle, into, into.length, this.#info);
    }
    return calls.zc_rpc_receive(handle, into, into.length, this.#info, timeout);
  }

  #own(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
    this.#sizeExpected = size;
    this.#prepared = undefined;
    return bytes.slice(0, size);
  }

  /** Throws when the peer has gone, whatever it left to be received. */
  checkPeer(doing: string): void {
    const code = this.channel.calls.zc_rpc_check(this.channel.handle);
    if (code < 0) this.channel.fail(code, doing);
  }

  get peerTakesAnyOrder(): boolean {
    return (this.#peerAbilities() & ability.takesAnyOrder) !== 0;
  }

  get peerTakesFailures(): boolean {
    return (this.#peerAbilities() & ability.takesFailures) !== 0;
  }

  get peerMarksFailures(): boolean {
    return (this.#peerAbilities() & ability.marksFailures) !== 0;
  }

  #peerAbilities(): number {
    return this.channel.calls.zc_rpc_peer_abilities(this.channel.handle);
  }

  /** Checks what is to be sent, so that sending it can only fail for the channel's reasons. */
  check(bytes: Uint8Array, name: string): void {
    const { maxMessageSize, capacity, path } = this.channel;
    checkBytes(bytes, name);
    const size = nativeLength(bytes);
    if (size <= maxMessageSize) return;
    throw new RangeError(
      `${name} (${path}): it has ${size} bytes; expected at most ${maxMessageSize} in a ring of ${capacity}. ` +
        "Send it in parts, or listen with a larger capacity.",
    );
  }
}

/** The type of a request or a reply, as native code takes it. */
export function checkRpcTypeId(typeId: number): number {
  if (typeId === numbers.typeFailure) {
    throw new RangeError(
      "typeId is 0xFFFFFFFE, which marks failed replies; expected an integer from 0 to 0xFFFFFFFD",
    );
  }
  checkTypeId(typeId);
  return typeId >>> 0;
}
