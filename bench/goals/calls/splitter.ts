import { payloadSize } from "./payload.ts";

/** Cuts what a socket delivers into payloads, and keeps what is not whole for the next time. */
export function splitter(): (chunk: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const payloads: Buffer[] = [];
    let at = 0;
    for (; at + payloadSize <= bytes.length; at += payloadSize) {
      payloads.push(bytes.subarray(at, at + payloadSize));
    }
    rest = bytes.subarray(at);
    return payloads;
  };
}
