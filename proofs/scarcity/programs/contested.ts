/** Listens again and again where somebody else exchanges names, and counts how that ended. */
import { closeSync, constants, linkSync, openSync, symlinkSync } from "node:fs";
import process from "node:process";
import { Consumer } from "../../../src/index.ts";
import * as libc from "../../../tests/peer/libc.ts";
import { print, programArguments } from "../../../tests/support/child.ts";

export interface ContestedArguments {
  readonly path: string;
  readonly rounds: number;
  /** Where what may take the place of the socket's file is made again, when it was removed. */
  readonly bait?: { readonly make: "symlink" | "link"; readonly at: string; readonly to: string };
  /** A folder in which a file that nobody listens on stands at `socket` before each round. */
  readonly staleIn?: string;
}

/** How often it ended with each of these. */
export type ContestedReport = Record<string, number>;

const { path, rounds, bait, staleIn } = programArguments<ContestedArguments>();
const EADDRINUSE = 98;
const ends: ContestedReport = {};
// So that the mode has to be changed after the file was made.
process.umask(0o077);
// Held, since the folder too may be one of the names.
const folder = staleIn && openSync(staleIn, constants.O_RDONLY | constants.O_DIRECTORY);
// Neither process says when it has a core: it goes on until the two have met.
for (let round = 0; round < rounds || (isUncontested() && round < 20 * rounds); round++) {
  if (bait !== undefined) makeBait(bait.make, bait.to, bait.at);
  if (folder !== undefined) makeStale(`/proc/self/fd/${folder}/socket`);
  try {
    Consumer.listenSync(path, { mode: 0o666, timeout: 0 }).close();
  } catch (error) {
    const { name, errno = "" } = error as Error & { errno?: string };
    const end = `${name} ${errno}`.trim();
    ends[end] = (ends[end] ?? 0) + 1;
  }
}
if (typeof folder === "number") closeSync(folder);
print(ends);

function isUncontested(): boolean {
  return Object.keys(ends).every((end) => end === "TimeoutError");
}

function makeBait(make: "symlink" | "link", to: string, at: string): void {
  try {
    if (make === "symlink") symlinkSync(to, at);
    else linkSync(to, at);
  } catch {
    // It is there.
  }
}

function makeStale(at: string): void {
  const socket = libc.socket();
  libc.unless([EADDRINUSE], () => libc.bind(socket, at));
  libc.close(socket);
}
