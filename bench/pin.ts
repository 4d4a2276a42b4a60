import { libc } from "./libc.ts";

/** Pins the calling thread to a core, so that a runtime's other threads stay free to go elsewhere. */
export function pinThread(core: number): boolean {
  const cores = new Uint8Array(128);
  cores[core >> 3] = 1 << (core & 7);
  const here = 0;
  return libc().sched_setaffinity(here, BigInt(cores.length), cores) === 0;
}
