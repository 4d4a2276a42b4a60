import type { Calls } from "../../ffi/library.ts";
import type { Peer } from "../types.ts";

type Authorize = (peer: Peer) => boolean;

/** The process on the other side of `handle`. */
export function peerOf(calls: Calls, handle: number): Peer {
  const values = new Uint32Array(3);
  calls.zc_endpoint_peer(handle, values);
  const [pid = 0, uid = 0, gid = 0] = values;
  return Object.freeze({ pid, uid, gid });
}

export function isWelcome(peer: Peer, authorize: Authorize | undefined, calls: Calls): boolean {
  if (authorize !== undefined) return authorize(peer);
  return peer.uid === calls.zc_process_uid();
}
