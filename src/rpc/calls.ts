interface Numbered {
  readonly id: number;
}

const lengthMin = 64;

/** Calls under way. Their ids come one after the other, so that a lookup is an index. */
export class CallTable<Call extends Numbered> {
  /** A power of two of places; a call lies at its id modulo their number. */
  #places: (Call | undefined)[] = new Array(lengthMin).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(call: Call): void {
    while (this.#places[this.#placeOf(call.id)] !== undefined) this.#grow();
    this.#places[this.#placeOf(call.id)] = call;
    this.#size += 1;
  }

  /** Removes a call. `undefined`: there is none with this id. */
  take(id: number): Call | undefined {
    const place = this.#placeOf(id);
    const call = this.#places[place];
    if (call === undefined || call.id !== id) return undefined;
    this.#places[place] = undefined;
    this.#size -= 1;
    return call;
  }

  /** Removes all calls, in no order. */
  takeAll(): Call[] {
    const calls = this.#places.filter((call) => call !== undefined);
    this.#places.fill(undefined);
    this.#size = 0;
    return calls;
  }

  #placeOf(id: number): number {
    return id % this.#places.length;
  }

  /** No two calls that had a place each come to share one. */
  #grow(): void {
    const calls = this.#places.filter((call) => call !== undefined);
    this.#places = new Array(2 * this.#places.length).fill(undefined);
    for (const call of calls) this.#places[this.#placeOf(call.id)] = call;
  }
}
