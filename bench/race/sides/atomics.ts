import { type BlockingEnd, firstBlocking, secondBlocking } from "./blocking.ts";
import type { Mechanism } from "./mechanism.ts";

const placesMax = 1024;
const bytesMax = 4 * 1024 * 1024;

/** Words of a mailbox, those that are waited for on cache lines of their own; the sizes come last. */
const at = { sent: 0, taken: 16, closed: 32, sizes: 48 } as const;
const headBytes = 4 * (at.sizes + placesMax);
const mailboxBytes = headBytes + bytesMax;

/** Milliseconds of a sleep after which a side looks whether the other is gone. */
const sleepMax = 1000;

/** One direction: places for messages, taken in turn. */
class Mailbox {
  readonly #words: Int32Array;
  readonly #content: Uint8Array;
  #places: Uint8Array[] = [];
  /** Messages that this side has sent or taken. */
  #count = 0;

  constructor(memory: SharedArrayBuffer, start: number) {
    this.#words = new Int32Array(memory, start, headBytes / 4);
    this.#content = new Uint8Array(memory, start + headBytes, bytesMax);
  }

  /** Lays out places for messages of that size. It is empty then. */
  prepare(size: number): void {
    const fit = Math.floor(bytesMax / size);
    // A power of two: the count may wrap.
    const places = Math.min(placesMax, 2 ** Math.floor(Math.log2(fit)));
    this.#places = Array.from({ length: places }, (_, place) =>
      this.#content.subarray(place * size, (place + 1) * size),
    );
  }

  put(bytes: Uint8Array): void {
    const count = this.#count;
    while (true) {
      const taken = Atomics.load(this.#words, at.taken);
      if (((count - taken) | 0) < this.#places.length) break;
      this.#sleep(at.taken, taken);
    }
    const place = count & (this.#places.length - 1);
    this.#places[place]?.set(bytes);
    this.#words[at.sizes + place] = bytes.length;
    this.#tell(at.sent);
  }

  takeInto(into: Uint8Array): number {
    const count = this.#count;
    while (Atomics.load(this.#words, at.sent) === count) this.#sleep(at.sent, count);
    const place = count & (this.#places.length - 1);
    const size = this.#words[at.sizes + place] as number;
    const bytes = this.#places[place] as Uint8Array;
    into.set(bytes.length === size ? bytes : bytes.subarray(0, size));
    this.#tell(at.taken);
    return size;
  }

  close(): void {
    Atomics.store(this.#words, at.closed, 1);
    Atomics.notify(this.#words, at.sent);
    Atomics.notify(this.#words, at.taken);
  }

  #tell(word: number): void {
    this.#count = (this.#count + 1) | 0;
    Atomics.store(this.#words, word, this.#count);
    Atomics.notify(this.#words, word);
  }

  #sleep(word: number, value: number): void {
    Atomics.wait(this.#words, word, value, sleepMax);
    if (Atomics.load(this.#words, at.closed) !== 0) throw new Error("the other side has closed");
  }
}

function endOf(outgoing: Mailbox, incoming: Mailbox): BlockingEnd {
  return {
    prepare(size) {
      outgoing.prepare(size);
      incoming.prepare(size);
    },
    send: (bytes) => outgoing.put(bytes),
    receive: (into) => incoming.takeInto(into),
    close() {
      outgoing.close();
      incoming.close();
    },
  };
}

function mailboxes(memory: SharedArrayBuffer): [there: Mailbox, back: Mailbox] {
  return [new Mailbox(memory, 0), new Mailbox(memory, mailboxBytes)];
}

export const atomics: Mechanism = {
  isBlocking: true,
  isInProcess: true,
  maxSize: bytesMax,
  async first({ startWorker }) {
    const memory = new SharedArrayBuffer(2 * mailboxBytes);
    await startWorker(memory);
    const [there, back] = mailboxes(memory);
    return firstBlocking(endOf(there, back));
  },
  async second({ memory, hello }) {
    if (memory === undefined) throw new Error("the mailboxes' memory did not arrive");
    const [there, back] = mailboxes(memory);
    await hello();
    return secondBlocking(endOf(back, there));
  },
};
