/**
 * The messages of the soak. Small ones, of which there are a billion, carry their number and a
 * checksum of all their bytes; of the others every byte is known from a seed and their number.
 */
import { sizeAt } from "../../tests/peer/content.ts";

/** A message that is not the one that was sent. */
export class MismatchError extends Error {
  override name = "MismatchError";

  constructor(number: number, what: string, expected: number, found: number) {
    super(`message ${number}: ${what} is ${found}; expected ${expected}`);
  }
}

/** Words of four bytes: the number, up to 14 of content, the checksum. */
export const smallWordsMin = 2;
export const smallWordsMax = 16;

/** The step of FNV-1a, over words. A change of any one word always changes the result. */
const prime = 0x01000193;
const basis = 0x811c9dc5;

/** Writes a small message into `words` and returns its length. Both are counted in words. */
export function writeSmall(words: Uint32Array, at: number, number: number): number {
  let state = mix(number);
  const length = smallWordsMin + (state % (smallWordsMax - smallWordsMin + 1));
  words[at] = number;
  let sum = Math.imul(basis ^ number, prime);
  const last = at + length - 1;
  for (let i = at + 1; i < last; i++) {
    state = nextState(state);
    words[i] = state;
    sum = Math.imul(sum ^ state, prime);
  }
  words[last] = sum;
  return length;
}

/** Throws unless `size` bytes at the word `at` are the small message `number`. */
export function checkSmall(words: Uint32Array, at: number, size: number, number: number): void {
  const found = words[at] as number;
  if (found !== number) throw new MismatchError(number, "the number", number, found);
  const length = smallWordsMin + (mix(number) % (smallWordsMax - smallWordsMin + 1));
  if (size !== 4 * length) throw new MismatchError(number, "the size", 4 * length, size);
  const last = at + length - 1;
  let sum = basis;
  for (let i = at; i < last; i++) sum = Math.imul(sum ^ (words[i] as number), prime);
  const carried = words[last] as number;
  if (carried !== sum >>> 0) throw new MismatchError(number, "the checksum", sum >>> 0, carried);
}

/** Xorshift: all numbers but 0, in an order that looks like none. */
function nextState(state: number): number {
  let next = state ^ (state << 13);
  next ^= next >>> 17;
  return next ^ (next << 5);
}

/** Never 0, from which the content's generator would not get away. */
function mix(number: number): number {
  let hash = Math.imul(number + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0 || 1;
}

/**
 * The messages of one load: any size between two, both included. It makes them in one place, since
 * the garbage of large ones would hide what leaks.
 */
export class Content {
  readonly #seed: number;
  readonly #sizeMin: number;
  readonly #sizeMax: number;
  readonly #words: Uint32Array<ArrayBuffer>;

  constructor(seed: number, sizeMin: number, sizeMax: number) {
    this.#seed = seed;
    this.#sizeMin = sizeMin;
    this.#sizeMax = sizeMax;
    this.#words = new Uint32Array(Math.ceil(sizeMax / 4));
  }

  /** To be used before the next call. */
  message(number: number): Uint8Array {
    const size = sizeAt(this.#seed, number, this.#sizeMin, this.#sizeMax);
    const words = this.#words;
    let state = mix(this.#seed ^ number);
    for (let i = 0; 4 * i < size; i++) {
      state = nextState(state);
      words[i] = state;
    }
    return new Uint8Array(words.buffer, 0, size);
  }

  /** Throws unless `bytes` with `typeId` are message `number`. */
  check(number: number, bytes: Uint8Array, typeId: number): void {
    const expected = this.message(number);
    if (typeId !== number) throw new MismatchError(number, "the type", number, typeId);
    checkBytes(number, expected, bytes);
  }
}

/** Throws unless `found` is `expected`, the message `number`. */
export function checkBytes(number: number, expected: Uint8Array, found: Uint8Array): void {
  if (Buffer.compare(expected, found) === 0) return;
  const { length } = expected;
  if (found.length !== length) throw new MismatchError(number, "the size", length, found.length);
  const at = expected.findIndex((byte, index) => byte !== found[index]);
  throw new MismatchError(number, `byte ${at}`, expected[at] as number, found[at] as number);
}
