// Files through a channel: a message with the path, the contents in chunks, a message with the SHA-256.
// Both sides hash the bytes where they lie in shared memory; no copy of them is made on the way.

import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { join, relative } from "node:path";
import type { Consumer, Message, Producer } from "zerocross";

/** The type ids of the messages with files, and of those that come back. */
const fileMessage = { path: 1, chunk: 2, sha256: 3 } as const;
const verdictMessage = { same: 1, different: 2 } as const;

const chunkSize = 64 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The paths of all regular files below a folder, in order. */
export function listFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** Sends one file and returns its size. */
export function sendFile(files: Producer, folder: string, path: string): number {
  const file = openSync(join(folder, path), "r");
  try {
    files.sendSync(encoder.encode(path), fileMessage.path);
    const hash = createHash("sha256");
    let sent = 0;
    while (true) {
      // The kernel puts the file's bytes into the slot, which is the place they are received from.
      using slot = files.claimSync(chunkSize);
      const size = readSync(file, slot.bytes, 0, chunkSize, null);
      if (size === 0) break;
      hash.update(slot.bytes.subarray(0, size));
      slot.commit(size, fileMessage.chunk);
      sent += size;
    }
    files.sendSync(hash.digest(), fileMessage.sha256);
    return sent;
  } finally {
    closeSync(file);
  }
}

/** Checks every file that arrives and sends a verdict on it, until the sender closes. */
export function checkFiles(files: Consumer, verdicts: Producer): void {
  let path = new Uint8Array();
  let hash = createHash("sha256");
  while (true) {
    using batch = files.drainSync();
    if (batch === null) return;
    for (const { bytes, typeId } of batch) {
      if (typeId === fileMessage.path) {
        path = bytes.slice();
        hash = createHash("sha256");
      } else if (typeId === fileMessage.chunk) {
        hash.update(bytes);
      } else {
        const same = hash.digest().equals(bytes);
        verdicts.sendSync(path, same ? verdictMessage.same : verdictMessage.different);
      }
    }
  }
}

/** Counts the verdicts that come back. */
export class Verdicts {
  readonly #channel: Consumer;
  same = 0;
  /** The paths of the files that did not arrive as they were sent. */
  readonly different: string[] = [];

  constructor(channel: Consumer) {
    this.#channel = channel;
  }

  /** Takes those that are there now. */
  collect(): void {
    let message = this.#channel.tryReceive();
    while (message) {
      this.#count(message);
      message = this.#channel.tryReceive();
    }
  }

  /** Takes all that are to come, until the other side closes. */
  collectRest(): void {
    let message = this.#channel.receiveSync();
    while (message) {
      this.#count(message);
      message = this.#channel.receiveSync();
    }
  }

  #count({ bytes, typeId }: Message): void {
    if (typeId === verdictMessage.same) this.same++;
    else this.different.push(decoder.decode(bytes));
  }
}
