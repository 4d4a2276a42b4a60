// What goes over the channel: ticks as fixed records of numbers, little-endian, and at the end the
// feed's own tallies as JSON.

export const messageType = { tick: 1, tallies: 2 } as const;

export const tickSize = 32;

/** Where each field of a tick lies. */
export const field = {
  /** float64: counts all ticks, from 0. */
  sequence: 0,
  /** float64: milliseconds since 1970. */
  time: 8,
  /** float64: in quarter points. */
  price: 16,
  /** uint32 */
  quantity: 24,
  /** uint32: an index into `symbols`. */
  symbol: 28,
} as const;

export const symbols = ["ACME", "GLOBEX", "HOOLI", "INITECH"] as const;

/** What the ticks of one symbol come to. */
export class Tally {
  lastPrice = 100;
  lastTime = 0;
  ticks = 0;
  volume = 0;
  turnover = 0;

  add(time: number, price: number, quantity: number): void {
    this.lastTime = time;
    this.lastPrice = price;
    this.ticks += 1;
    this.volume += quantity;
    this.turnover += price * quantity;
  }
}
