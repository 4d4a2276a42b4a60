/**
 * What the messages of a test contain, from a seed and the message's index alone, so that two
 * processes agree on every byte without sending each other anything.
 */

/** A well mixed 32-bit number out of two (the finaliser of MurmurHash3). */
function mix(seed: number, index: number): number {
  let hash = (seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function messageAt(seed: number, index: number, size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  // Xorshift never leaves zero, so the state must not start there.
  let state = mix(seed, index) || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}

/** What the handler of every test answers: each byte plus one, so that no echo passes for it. */
export function answerTo(request: Uint8Array): Uint8Array {
  return request.map((byte) => byte + 1);
}

/** The message of the error with which call `id` fails, where it is told to fail. */
export function failureOf(id: bigint): string {
  return `call ${id} fails – as told`;
}

/** The size of message `index` when sizes run from `min` to `max`, both included. */
export function sizeAt(seed: number, index: number, min: number, max: number): number {
  return min + (mix(seed ^ 0x5a5a5a5a, index) % (max - min + 1));
}

/** One step of a running FNV-1a hash over everything received; start with `checksumStart`. */
export function checksum(hash: number, bytes: Uint8Array): number {
  let next = hash;
  for (const byte of bytes) next = Math.imul(next ^ byte, 0x01000193);
  return next >>> 0;
}

export const checksumStart = 0x811c9dc5;
