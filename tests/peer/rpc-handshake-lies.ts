/** The liar that offers RPC at the rendezvous: what such a listener may do, by name. */
import { Arena, type ArenaOptions } from "./arena.ts";
import type { Deadline } from "./deadline.ts";
import { honestTwin, tell } from "./handshake-lies.ts";
import * as libc from "./libc.ts";
import {
  alignment,
  controlSize,
  encodeHandshake,
  flags,
  type Handshake,
  honestHandshake,
  offsets,
} from "./wire.ts";

/** What a listener lies about. Each lie is honest in all that it does not name. */
export interface RpcHandshakeLie {
  /** The capacity that the reverse memory, its file and the handshake agree on. */
  capacityRev?: number;
  fields?: (honest: Handshake) => Partial<Handshake>;
  reverse?: (capacityRev: number) => ArenaOptions;
  /** What is changed in the reverse memory before it is handed over. */
  memory?: (reverse: Arena) => void;
  /** The descriptors sent; those that are no arena's are closed afterwards. */
  fds?: (forward: Arena, reverse: Arena) => number[];
  bytes?: (honest: Uint8Array) => Uint8Array;
}

export const rpcHandshakeLies = {
  "rpc-no-descriptor": { fds: () => [] },
  "rpc-one-descriptor": { fds: (forward) => [forward.fd] },
  "rpc-three-descriptors": {
    fds: (forward, reverse) => [forward.fd, reverse.fd, honestTwin(reverse)],
  },
  "rpc-swapped-descriptors": { fds: (forward, reverse) => [reverse.fd, forward.fd] },
  "rpc-swapped-sizes": {
    fields: (h) => ({
      capacity: h.capacityRev,
      shmSize: h.shmSizeRev,
      capacityRev: h.capacity,
      shmSizeRev: h.shmSize,
    }),
  },
  "rpc-flag-missing": { fields: () => ({ flags: 0 }) },
  "rpc-unknown-flag": { fields: () => ({ flags: flags.rpc | (1 << 1) }) },
  "rpc-only-a-channel": {
    fields: () => ({ flags: 0, capacityRev: 0, shmSizeRev: 0 }),
    fds: (forward) => [forward.fd],
  },
  "rpc-capacity-rev-0": { fields: () => ({ capacityRev: 0, shmSizeRev: controlSize }) },
  "rpc-rev-all-0": { fields: () => ({ capacityRev: 0, shmSizeRev: 0 }) },
  "rpc-shm-size-rev-0": { fields: () => ({ shmSizeRev: 0 }) },
  "rpc-shm-size-rev-too-large": { fields: (h) => ({ shmSizeRev: h.shmSizeRev + alignment }) },
  "rpc-capacity-rev-no-power-of-two": { capacityRev: 12288 },
  "rpc-capacity-rev-below-a-line": { capacityRev: 32 },
  "rpc-capacity-rev-2-to-31": {
    fields: () => ({ capacityRev: 2 ** 31, shmSizeRev: controlSize + 2 ** 31 }),
  },
  "rpc-reverse-file-too-small": { reverse: (capacityRev) => ({ fileSize: capacityRev }) },
  "rpc-reverse-unsealed": { reverse: () => ({ seals: 0 }) },
  "rpc-reverse-is-a-socket": { fds: (forward) => [forward.fd, libc.socket()] },
  "rpc-reverse-memory-magic": { memory: (reverse) => reverse.store32(offsets.magic, 0x21212121) },
  "rpc-reverse-memory-version": { memory: (reverse) => reverse.store32(offsets.version, 3) },
  "rpc-reverse-memory-capacity": {
    memory: (reverse) => reverse.store32(offsets.capacity, 2 * reverse.capacity),
  },
  "rpc-cut-to-20-bytes": { bytes: (honest) => honest.slice(0, 20) },
  "rpc-trailing-bytes": { bytes: (honest) => new Uint8Array([...honest, 1, 2, 3, 4]) },
} satisfies Record<string, RpcHandshakeLie>;

/** Listens, tells one lie to the first that connects, and stays until that one hangs up. */
export function tellRpcHandshakeLie(
  path: string,
  lie: RpcHandshakeLie,
  capacities: { capacity: number; capacityRev: number },
  deadline: Deadline,
): void {
  const { capacity } = capacities;
  const capacityRev = lie.capacityRev ?? capacities.capacityRev;
  const forward = Arena.create(capacity);
  const reverse = Arena.create(capacityRev, lie.reverse?.(capacityRev));
  lie.memory?.(reverse);
  const honest = honestHandshake(4, capacity, capacityRev);
  const handshake = encodeHandshake(4, { ...honest, ...lie.fields?.(honest) });
  const bytes = lie.bytes?.(handshake) ?? handshake;
  const fds = lie.fds?.(forward, reverse) ?? [forward.fd, reverse.fd];
  try {
    tell(path, { bytes, fds }, deadline);
  } finally {
    for (const fd of new Set(fds)) {
      if (fd !== forward.fd && fd !== reverse.fd) libc.close(fd);
    }
    forward.close();
    reverse.close();
  }
}
