// What the messages of the race carry: every message depends on its number in its first and its last
// word in the timed parts, and in every byte where all of it is verified.

const multiplier = 2654435761;

export class WrongPayload extends Error {
  constructor(index: number) {
    super(`message ${index} arrived with other bytes than were sent`);
  }
}

/** Messages of one size, by number. */
export interface Payload<Value, Made extends Value = Value> {
  make(index: number): Made;
  /** @throws {WrongPayload} */
  check(value: Value, index: number): void;
}

export type OwnBytes = Uint8Array<ArrayBuffer>;

function wordOf(index: number, at: number): number {
  return at === 0 ? index : (Math.imul(index, multiplier) + at) >>> 0;
}

function byteOf(index: number, at: number, size: number): number {
  const isTrailing = at >= size - (size % 4);
  return isTrailing ? index & 0xff : (wordOf(index, at >> 2) >>> (8 * (at & 3))) & 0xff;
}

function areAll(bytes: Uint8Array, index: number): boolean {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== byteOf(index, at, bytes.length)) return false;
  }
  return true;
}

/** At any address, as a receiver finds it in what a socket delivered. */
function readWord(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  const high = (bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8);
  return (low | (high << 16)) >>> 0;
}

function fill(bytes: Uint8Array, index: number): void {
  for (let at = 0; at < bytes.length; at++) bytes[at] = byteOf(index, at, bytes.length);
}

let first: OwnBytes = new Uint8Array(0);

/** Message 0 of that size. Kept, since a block of large ones would be over before it is made again. */
function firstOf(size: number): OwnBytes {
  if (first.length !== size) {
    first = new Uint8Array(size);
    fill(first, 0);
  }
  return first;
}

/** The number of the message that these are. */
export function numberOf(bytes: Uint8Array): number {
  return readWord(bytes, 0);
}

export interface BytesOptions {
  /** Every byte is written and compared, not the first and the last word alone. */
  readonly isWhole: boolean;
  /** Messages that may be under way: only then is the memory of the first one used again. */
  readonly underWay?: number;
}

export class Bytes implements Payload<Uint8Array, OwnBytes> {
  readonly #size: number;
  readonly #last: number;
  readonly #isWhole: boolean;
  readonly #words: Uint32Array;
  readonly #stride: number;
  readonly #views: readonly OwnBytes[];
  #turn = 0;

  constructor(size: number, { isWhole, underWay = 1 }: BytesOptions) {
    this.#size = size;
    this.#last = (size >> 2) - 1;
    this.#isWhole = isWhole;
    this.#stride = Math.ceil(size / 4);
    // A message alone in its memory ends where that does: a structured clone copies all of it.
    const slab = new ArrayBuffer(4 * this.#stride * (underWay - 1) + size);
    this.#words = new Uint32Array(slab, 0, slab.byteLength >> 2);
    this.#views = Array.from({ length: underWay }, (_, turn) => {
      const view = new Uint8Array(slab, 4 * this.#stride * turn, size);
      view.set(firstOf(size));
      return view;
    });
  }

  make(index: number): OwnBytes {
    const turn = this.#turn;
    this.#turn = turn + 1 === this.#views.length ? 0 : turn + 1;
    const bytes = this.#views[turn] as OwnBytes;
    if (this.#isWhole) fill(bytes, index);
    else {
      const start = this.#stride * turn;
      this.#words[start + this.#last] = wordOf(index, this.#last);
      this.#words[start] = index;
    }
    return bytes;
  }

  check(bytes: Uint8Array, index: number): void {
    const last = this.#last;
    if (
      bytes.length !== this.#size ||
      readWord(bytes, 0) !== index ||
      readWord(bytes, 4 * last) !== wordOf(index, last) ||
      (this.#isWhole && !areAll(bytes, index))
    ) {
      throw new WrongPayload(index);
    }
  }
}

/** Many messages back to back. */
export class Packed {
  readonly bytes: OwnBytes;
  readonly #words: Uint32Array;
  readonly #size: number;
  readonly #isWhole: boolean;

  constructor(size: number, most: number, isWhole: boolean) {
    this.bytes = new Uint8Array(size * most);
    this.#words = new Uint32Array(this.bytes.buffer, 0, this.bytes.length >> 2);
    this.#size = size;
    // Words begin anywhere then, and are written byte by byte.
    this.#isWhole = isWhole || size % 4 > 0;
    for (let place = 0; place < most; place++) this.bytes.set(firstOf(size), size * place);
  }

  /** Makes `count` messages, from number `from` on. */
  make(from: number, count: number): void {
    const stride = this.#size >> 2;
    for (let place = 0; place < count; place++) {
      const index = from + place;
      if (this.#isWhole) {
        this.#fill(place, index);
        continue;
      }
      const start = stride * place;
      this.#words[start + stride - 1] = wordOf(index, stride - 1);
      this.#words[start] = index;
    }
  }

  #fill(place: number, index: number): void {
    const size = this.#size;
    fill(this.bytes.subarray(size * place, size * (place + 1)), index);
  }
}

/** Where messages are received into, or lie: checks them without looking for where their words begin. */
export class Landing {
  readonly bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #size: number;
  readonly #last: number;
  readonly #isWhole: boolean;

  constructor(memory: ArrayBufferLike, size: number, isWhole: boolean) {
    this.bytes = new Uint8Array(memory);
    this.#words = new Uint32Array(memory, 0, memory.byteLength >> 2);
    this.#size = size;
    this.#last = (size >> 2) - 1;
    this.#isWhole = isWhole;
  }

  /** `at`: where the message begins, a multiple of 4. */
  check(size: number, index: number, at = 0): void {
    const start = at >> 2;
    const last = this.#last;
    if (
      size !== this.#size ||
      this.#words[start] !== index ||
      this.#words[start + last] !== wordOf(index, last) ||
      (this.#isWhole && !areAll(this.bytes.subarray(at, at + size), index))
    ) {
      throw new WrongPayload(index);
    }
  }
}

const alphabet = "abcdefghijklmnopqrstuvwxyz";
const digits = 8;

/** The same for mechanisms that carry values: as many ASCII characters. */
export class Text implements Payload<unknown, string> {
  readonly #size: number;
  readonly #isWhole: boolean;
  readonly #letters: string;
  readonly #middle: number;

  constructor(size: number, { isWhole }: BytesOptions) {
    this.#size = size;
    this.#isWhole = isWhole;
    this.#middle = Math.max(0, size - 2 * digits);
    this.#letters = alphabet.repeat(Math.ceil(size / alphabet.length) + 1);
  }

  /** The number, letters that begin elsewhere with every number, and the number again. */
  make(index: number): string {
    const start = index % alphabet.length;
    const middle = this.#letters.slice(start, start + this.#middle);
    return this.#head(index) + middle + this.#tail(index);
  }

  check(value: unknown, index: number): void {
    if (
      typeof value !== "string" ||
      value.length !== this.#size ||
      !value.startsWith(this.#head(index)) ||
      !value.endsWith(this.#tail(index)) ||
      (this.#isWhole && value !== this.make(index))
    ) {
      throw new WrongPayload(index);
    }
  }

  #head(index: number): string {
    return hex(index).slice(-this.#size);
  }

  #tail(index: number): string {
    const length = Math.min(digits, Math.max(0, this.#size - digits));
    return hex(index).slice(digits - length);
  }
}

function hex(index: number): string {
  return index.toString(16).padStart(digits, "0");
}
