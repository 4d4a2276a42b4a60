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

export interface BytesOptions {
  /** Every byte is written and compared, not the first and the last word alone. */
  readonly isWhole: boolean;
  /** Messages that may be under way: only then is the memory of the first one used again. */
  readonly underWay?: number;
}

function wordOf(index: number, at: number): number {
  return at === 0 ? index : (Math.imul(index, multiplier) + at) >>> 0;
}

function byteOf(index: number, at: number, size: number): number {
  const isTrailing = at >= size - (size % 4);
  return isTrailing ? index & 0xff : (wordOf(index, at - (at & 3)) >>> (8 * (at & 3))) & 0xff;
}

function areAll(bytes: Uint8Array, index: number): boolean {
  return bytes.every((byte, at) => byte === byteOf(index, at, bytes.length));
}

function fill(bytes: Uint8Array, index: number): void {
  for (let at = 0; at < bytes.length; at++) bytes[at] = byteOf(index, at, bytes.length);
}

/** At any address, as a receiver finds it in what a socket delivered. */
function readWord(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  const high = (bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8);
  return (low | (high << 16)) >>> 0;
}

/** The number of the message that these are. */
export function numberOf(bytes: Uint8Array): number {
  return readWord(bytes, 0);
}

/** Messages back to back, made one by one or many at once. */
export class Bytes implements Payload<Uint8Array, OwnBytes> {
  readonly bytes: OwnBytes;
  readonly #view: DataView;
  readonly #size: number;
  /** Where the last whole word begins. */
  readonly #last: number;
  readonly #isWhole: boolean;
  readonly #places: readonly OwnBytes[];
  #turn = 0;

  constructor(size: number, { isWhole, underWay = 1 }: BytesOptions) {
    this.#size = size;
    this.#last = size - (size % 4) - 4;
    this.#isWhole = isWhole;
    // A message alone in its memory ends where that does: a structured clone copies all of it.
    // It is written to, since pages of zeros would all be the same one.
    this.bytes = new Uint8Array(size * underWay).fill(1);
    this.#view = new DataView(this.bytes.buffer);
    this.#places = Array.from({ length: underWay }, (_, place) =>
      this.bytes.subarray(size * place, size * (place + 1)),
    );
  }

  make(index: number): OwnBytes {
    const place = this.#turn;
    this.#turn = place + 1 === this.#places.length ? 0 : place + 1;
    this.#write(place, index);
    return this.#places[place] as OwnBytes;
  }

  /** Makes `count` messages, from number `from` on, in the first places. */
  makeMany(from: number, count: number): void {
    for (let place = 0; place < count; place++) this.#write(place, from + place);
  }

  #write(place: number, index: number): void {
    if (this.#isWhole) {
      fill(this.#places[place] as OwnBytes, index);
      return;
    }
    const start = this.#size * place;
    this.#view.setUint32(start + this.#last, wordOf(index, this.#last), true);
    this.#view.setUint32(start, index, true);
  }

  check(bytes: Uint8Array, index: number): void {
    const last = this.#last;
    if (
      bytes.length !== this.#size ||
      readWord(bytes, 0) !== index ||
      readWord(bytes, last) !== wordOf(index, last) ||
      (this.#isWhole && !areAll(bytes, index))
    ) {
      throw new WrongPayload(index);
    }
  }
}

/** Where messages are received into, or lie: checks them without making a view of each. */
export class Landing {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #size: number;
  readonly #last: number;
  readonly #isWhole: boolean;

  constructor(memory: ArrayBufferLike, size: number, isWhole: boolean) {
    this.bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
    this.#size = size;
    this.#last = size - (size % 4) - 4;
    this.#isWhole = isWhole;
  }

  /** `at`: where the message begins. */
  check(size: number, index: number, at = 0): void {
    const last = this.#last;
    if (
      size !== this.#size ||
      this.#view.getUint32(at, true) !== index ||
      this.#view.getUint32(at + last, true) !== wordOf(index, last) ||
      (this.#isWhole && !areAll(this.bytes.subarray(at, at + size), index))
    ) {
      throw new WrongPayload(index);
    }
  }
}

/** The same for mechanisms that carry values: the number in ASCII characters, at both ends. */
export class Text implements Payload<unknown, string> {
  readonly #size: number;
  readonly #isWhole: boolean;
  readonly #middle: string;

  constructor(size: number, { isWhole }: BytesOptions) {
    this.#size = size;
    this.#isWhole = isWhole;
    this.#middle = "abcdefghijklmnop".repeat(Math.ceil(size / 16)).slice(0, Math.max(0, size - 16));
  }

  make(index: number): string {
    const number = hex(index);
    return (number + this.#middle + number).slice(-this.#size);
  }

  check(value: unknown, index: number): void {
    const number = hex(index);
    if (
      typeof value !== "string" ||
      value.length !== this.#size ||
      !value.endsWith(number.slice(-this.#size)) ||
      (this.#size >= 2 * number.length && !value.startsWith(number)) ||
      (this.#isWhole && value !== this.make(index))
    ) {
      throw new WrongPayload(index);
    }
  }
}

function hex(index: number): string {
  return index.toString(16).padStart(8, "0");
}
