/** Spreads work over time, so that what else runs on these cores gets its share. */
export class Pace {
  readonly #perMillisecond: number;
  #grantedUntil = performance.now();
  #rest = 0;

  constructor(perSecond: number) {
    this.#perMillisecond = perSecond / 1000;
  }

  /** How many are due since the last call; after a long pause no more than a second's. */
  due(): number {
    const now = performance.now();
    this.#rest += Math.min(now - this.#grantedUntil, 1000) * this.#perMillisecond;
    this.#grantedUntil = now;
    const whole = Math.floor(this.#rest);
    this.#rest -= whole;
    return whole;
  }
}
