import type { Batch } from "zerocross";
import { type Counts, field, messageType, now, pixelCount } from "./frame.ts";

/** Shows frames, and keeps account of them. */
export class Viewer {
  readonly #screen = new Uint8Array(pixelCount);
  /** Milliseconds from when a frame was taken until it was shown. */
  readonly #delays: number[] = [];
  greatestDelay = 0;
  #nextNumber = 0;
  /** What the camera counted, once it has ended. */
  camera: Counts | undefined;

  get shown(): number {
    return this.#delays.length;
  }

  get medianDelay(): number {
    return this.#delays.toSorted((a, b) => a - b)[this.shown >> 1] ?? 0;
  }

  show(batch: Batch): void {
    for (let i = 0; i < batch.length; i++) {
      if (batch.typeId(i) === messageType.frame) {
        this.#showFrame(batch.memory, batch.offset(i), batch.bytes(i));
      } else {
        this.camera = JSON.parse(new TextDecoder().decode(batch.bytes(i)));
      }
    }
  }

  #showFrame(memory: DataView, at: number, bytes: Uint8Array): void {
    const number = memory.getUint32(at + field.number, true);
    const time = memory.getFloat64(at + field.time, true);
    this.#screen.set(bytes.subarray(field.pixels));
    const delay = now() - time;
    this.#delays.push(delay);
    this.greatestDelay = Math.max(this.greatestDelay, delay);
    if (number > this.#nextNumber) {
      console.log(`Frames ${this.#nextNumber} to ${number - 1} were dropped.`);
    }
    this.#nextNumber = number + 1;
  }
}
