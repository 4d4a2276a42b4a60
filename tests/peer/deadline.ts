/** A point in time by which a test's wait must be over. Nothing in the peer waits without one. */
export class Deadline {
  readonly #at: number;
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#at = performance.now() + timeoutMs;
  }

  get remainingMs(): number {
    return Math.max(0, this.#at - performance.now());
  }

  /** Throws once the time is over; `what` says what was being waited for. */
  check(what: string): void {
    if (performance.now() >= this.#at) {
      throw new Error(`the peer waited ${this.#timeoutMs} ms in vain: ${what}`);
    }
  }
}
