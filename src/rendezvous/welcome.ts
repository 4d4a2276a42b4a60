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

export function describePeer(who: string, { pid, uid, gid }: Peer): string {
  return `the ${who} (pid ${pid}, uid ${uid}, gid ${gid})`;
}

/** Why `peer` is sent away, as a clause about it; `undefined` when it is welcome. */
export function refusalOf(
  peer: Peer,
  authorize: Authorize | undefined,
  calls: Calls,
): string | undefined {
  if (authorize !== undefined) {
    return authorize(peer) ? undefined : "`authorize` does not accept it";
  }
  const uid = calls.zc_process_uid();
  if (peer.uid !== uid) {
    return `this process runs as uid ${uid}, and without \`authorize\` it has to run as the same user`;
  }
  if (peer.uid === calls.zc_overflow_uid()) {
    return (
      `${uid} is the overflow uid, under which this user namespace shows every user that it has no number for, ` +
      "so it may be anybody: run both as a user that has a number here, or give `authorize`"
    );
  }
  return undefined;
}
