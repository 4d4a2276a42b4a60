/** How many calls the threads of a round have made together, and when that is enough. */
export class Progress {
  readonly shared: SharedArrayBuffer;
  readonly #made: Int32Array;
  readonly #target: number;

  constructor(target: number, shared = new SharedArrayBuffer(4)) {
    this.shared = shared;
    this.#made = new Int32Array(shared);
    this.#target = target;
  }

  add(calls: number): void {
    Atomics.add(this.#made, 0, calls);
  }

  get made(): number {
    return Atomics.load(this.#made, 0);
  }

  get isHalfDone(): boolean {
    return this.made >= this.#target / 2;
  }

  get isOver(): boolean {
    return this.made >= this.#target;
  }
}
