import type { Block, FirstHalf, SecondHalf, TimedBlock } from "./mechanism.ts";
import { Bytes, numberOf, type OwnBytes } from "./payload.ts";

/** Calls under way at the same time, when they are counted one way. */
const underWayMax = 64;

/** Sends bytes, and resolves with what they were answered. */
export type Call = (bytes: OwnBytes) => Promise<Uint8Array>;

export function firstOfCalls(call: Call): FirstHalf {
  return {
    run: (block) => (block.form === "round-trip" ? oneByOne(call, block) : manyAtOnce(call, block)),
  };
}

async function oneByOne(call: Call, { count, size, isWhole, laps }: TimedBlock): Promise<void> {
  const payload = new Bytes(size, { isWhole });
  laps.start();
  for (let index = 0; index < count; index++) {
    payload.check(await call(payload.make(index)), index);
    laps.lap();
  }
}

async function manyAtOnce(call: Call, { count, size, isWhole }: Block): Promise<void> {
  let next = 0;
  const place = async () => {
    const payload = new Bytes(size, { isWhole });
    while (next < count) {
      const index = next++;
      payload.check(await call(payload.make(index)), index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(underWayMax, count) }, place));
}

/** The side that answers, whatever asks it. */
export class Answering implements SecondHalf {
  #payload = new Bytes(4, { isWhole: false });
  #left = 0;
  #resolve = (): void => {};

  run({ count, size, isWhole }: Block): Promise<void> {
    this.#payload = new Bytes(size, { isWhole });
    this.#left = count;
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Checks a request, which may come in any order. It is answered with itself. */
  take<Request extends Uint8Array>(bytes: Request): Request {
    this.#payload.check(bytes, numberOf(bytes));
    this.#left -= 1;
    if (this.#left === 0) this.#resolve();
    return bytes;
  }
}
