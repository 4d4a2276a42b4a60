import { ability, numbers, status } from "../../ffi/table.ts";
import { Channel } from "../channel/channel.ts";
import { Receiver } from "../channel/receiver.ts";
import { checkBytes, checkTypeId, nativeLength } from "../native-values.ts";
import type { Established } from "../rendezvous/opening.ts";

/** One end of request and reply: what the calling and the answering side share. */
export class RpcEnd {
  readonly channel: Channel;
  readonly receiver: Receiver;

  constructor(established: Established) {
    this.channel = new Channel(established);
    this.receiver = new Receiver(this.channel);
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
