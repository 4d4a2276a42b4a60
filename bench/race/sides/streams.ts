import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { EventEnd } from "./events.ts";
import { Bytes, Text } from "./payload.ts";

/** Writes what it is given, and has the writer wait for room where the stream asks for that. */
function writer(writable: Writable): (chunk: string | Uint8Array) => Promise<void> | undefined {
  let draining: Promise<void> | undefined;
  return (chunk) => {
    if (writable.write(chunk)) return undefined;
    draining ??= once(writable, "drain").then(() => {
      draining = undefined;
    });
    return draining;
  };
}

/** Payloads back to back: both sides know their size. */
export function bytesOver(
  readable: Readable,
  writable: Writable,
  fail: (error: unknown) => void,
): EventEnd<Uint8Array> {
  let take = (_chunk: Buffer): void => {};
  readable.on("data", (chunk: Buffer) => take(chunk));
  return {
    fail,
    payload: (size, options) => new Bytes(size, options),
    // A stream keeps no more than that and one message before it asks to wait.
    buffers: (size) => Math.floor(writable.writableHighWaterMark / size) + 2,
    listen(size, message) {
      take = splitter(size, message);
    },
    send: writer(writable),
  };
}

/** Cuts what a stream delivers into messages. One that comes in parts is put together in memory of its own. */
function splitter(size: number, take: (bytes: Uint8Array) => void): (chunk: Buffer) => void {
  let whole = new Uint8Array(0);
  let filled = 0;
  return (chunk) => {
    let at = 0;
    if (filled > 0) {
      at = Math.min(size - filled, chunk.length);
      whole.set(chunk.subarray(0, at), filled);
      filled += at;
      if (filled < size) return;
      filled = 0;
      take(whole);
    }
    for (; at + size <= chunk.length; at += size) take(chunk.subarray(at, at + size));
    if (at === chunk.length) return;
    whole = new Uint8Array(size);
    whole.set(chunk.subarray(at));
    filled = chunk.length - at;
  };
}

/** A JSON value for each line. */
export function linesOver(
  readable: Readable,
  writable: Writable,
  fail: (error: unknown) => void,
): EventEnd<unknown> {
  let take = (_value: unknown): void => {};
  let begun = "";
  const write = writer(writable);
  readable.setEncoding("utf8");
  readable.on("data", (chunk: string) => {
    let at = 0;
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", at)) {
      take(JSON.parse(begun + chunk.slice(at, end)));
      begun = "";
      at = end + 1;
    }
    begun += chunk.slice(at);
  });
  return {
    fail,
    payload: (size, options) => new Text(size, options),
    listen(_, message) {
      take = message;
    },
    send: (value) => write(`${JSON.stringify(value)}\n`),
  };
}

/** What is sent in one turn of the event loop goes with one write, which a program has to see to by itself. */
export function gathered(end: EventEnd<Uint8Array>): EventEnd<Uint8Array> {
  let unsent: Uint8Array[] = [];
  const flush = () => {
    void end.send(unsent.length === 1 ? (unsent[0] as Uint8Array) : Buffer.concat(unsent));
    unsent = [];
  };
  return {
    ...end,
    send(bytes) {
      if (unsent.length === 0) queueMicrotask(flush);
      unsent.push(bytes);
      return undefined;
    },
  };
}
