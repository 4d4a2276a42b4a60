import { closeSync, openSync, writeSync } from "node:fs";
import { now } from "./clock.ts";

const largest = 2 ** 32 - 1;

/** What each round trip took, in nanoseconds: with one reading of the clock for each. */
export class Laps {
  readonly #times: Uint32Array;
  #length = 0;
  #last = 0;

  constructor(count: number) {
    this.#times = new Uint32Array(count);
  }

  /** From here on: a lap that follows a pause begins again. */
  start(): void {
    this.#last = now();
  }

  lap(): void {
    const time = now();
    this.#times[this.#length++] = Math.min(time - this.#last, largest);
    this.#last = time;
  }

  appendTo(file: string): void {
    const bytes = new Uint8Array(this.#times.buffer, 0, 4 * this.#length);
    const descriptor = openSync(file, "a");
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    closeSync(descriptor);
  }
}
