import type { Batch } from "zerocross";
import { field, messageType, symbols, Tally } from "./tick.ts";

/** The market as the ticks so far show it. */
export class Market {
  readonly #tallies = symbols.map(() => new Tally());
  /** What the feed sent last of all. */
  #feedTallies: string | undefined;
  #nextSequence = 0;
  received = 0;
  lost = 0;

  /** Reads every tick where it lies in shared memory: no copy, no view, no object for any of them. */
  read(batch: Batch): void {
    const { memory, length } = batch;
    for (let i = 0; i < length; i++) {
      if (batch.typeId(i) === messageType.tick) this.#readTick(memory, batch.offset(i));
      else this.#feedTallies = new TextDecoder().decode(batch.bytes(i));
    }
  }

  /** Whether the feed has sent everything, and all of it adds up to the same here. */
  get isComplete(): boolean {
    return this.#feedTallies === JSON.stringify(this.#tallies);
  }

  print(): void {
    console.log("symbol            last        VWAP          volume         ticks  last trade");
    for (const [index, tally] of this.#tallies.entries()) {
      const { lastPrice, lastTime, ticks, volume, turnover } = tally;
      if (ticks === 0) continue;
      const cells = [
        symbols[index]?.padEnd(10),
        lastPrice.toFixed(2).padStart(12),
        (turnover / volume).toFixed(4).padStart(12),
        volume.toLocaleString("en").padStart(16),
        ticks.toLocaleString("en").padStart(14),
        `  ${new Date(lastTime).toISOString().slice(11, 23)}`,
      ];
      console.log(cells.join(""));
    }
  }

  #readTick(memory: DataView, at: number): void {
    const sequence = memory.getFloat64(at + field.sequence, true);
    const time = memory.getFloat64(at + field.time, true);
    const price = memory.getFloat64(at + field.price, true);
    const quantity = memory.getUint32(at + field.quantity, true);
    const symbol = memory.getUint32(at + field.symbol, true);
    this.received += 1;
    this.lost += sequence - this.#nextSequence;
    this.#nextSequence = sequence + 1;
    this.#tallies[symbol]?.add(time, price, quantity);
  }
}
