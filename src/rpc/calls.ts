interface Numbered {
  readonly id: number;
}

const lengthMin = 128;

/**
 * Calls under way. Their ids come one after the other, so that a lookup is an index. It takes memory for
 * the calls that are open, however many have come and gone beside them.
 */
export class CallTable<Call extends Numbered> {
  /** A power of two of places, twice as many as calls at least; a call lies at its id modulo their number. */
  #places: (Call | undefined)[] = new Array(lengthMin).fill(undefined);
  /** Those that were overtaken: as many calls came after them as there are places. */
  readonly #late = new Map<number, Call>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(call: Call): void {
    this.#size += 1;
    if (2 * this.#size > this.#places.length) this.#resize(2 * this.#places.length);
    this.#put(call);
  }

  /** Removes a call. `undefined`: there is none with this id. */
  take(id: number): Call | undefined {
    const place = this.#placeOf(id);
    let call = this.#places[place];
    if (call !== undefined && call.id === id) {
      this.#places[place] = undefined;
    } else {
      call = this.#late.get(id);
      if (call === undefined) return undefined;
      this.#late.delete(id);
    }
    this.#size -= 1;
    const { length } = this.#places;
    if (length > lengthMin && 8 * this.#size < length) this.#resize(length / 2);
    return call;
  }

  /** Removes all calls, in no order. */
  takeAll(): Call[] {
    const calls = [...this.#late.values(), ...this.#onTime()];
    this.#places = new Array(lengthMin).fill(undefined);
    this.#late.clear();
    this.#size = 0;
    return calls;
  }

  #put(call: Call): void {
    const place = this.#placeOf(call.id);
    const overtaken = this.#places[place];
    if (overtaken !== undefined) this.#late.set(overtaken.id, overtaken);
    this.#places[place] = call;
  }

  /** Ids are beyond 32 bits after a while; of a power of two the lower bits are the remainder all the same. */
  #placeOf(id: number): number {
    return id & (this.#places.length - 1);
  }

  #onTime(): Call[] {
    return this.#places.filter((call) => call !== undefined);
  }

  #resize(length: number): void {
    const calls = this.#onTime();
    this.#places = new Array(length).fill(undefined);
    for (const call of calls) this.#put(call);
  }
}
