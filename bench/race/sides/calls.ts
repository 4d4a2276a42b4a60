import { setTimeout as sleep } from "node:timers/promises";
import type { Block, FirstHalf, SecondHalf, TimedBlock } from "./mechanism.ts";
import { Bytes, type BytesOptions, numberOf, type Payload } from "./payload.ts";

/** Calls under way at the same time, when they are counted one way. */
const usualUnderWay = 64;

/** Sends something, and resolves with what it was answered. */
export interface Caller<Value, Request extends Value = Value> {
  payload(size: number, options: BytesOptions): Payload<Value, Request>;
  /** Before a block. */
  prepare?(size: number): void;
  call(value: Request): Promise<Value>;
}

export function firstOfCalls<Value, Request extends Value>(
  caller: Caller<Value, Request>,
  underWay = usualUnderWay,
): FirstHalf {
  return {
    caller: caller as unknown as Caller<unknown>,
    run(block) {
      caller.prepare?.(block.size);
      return block.form === "round-trip"
        ? oneByOne(caller, block)
        : manyAtOnce(caller, block, underWay);
    },
  };
}

async function oneByOne<Value, Request extends Value>(
  caller: Caller<Value, Request>,
  { count, size, isWhole, pauseMs, laps }: TimedBlock,
): Promise<void> {
  const payload = caller.payload(size, { isWhole });
  laps.start();
  for (let index = 0; index < count; index++) {
    if (pauseMs > 0) {
      await sleep(pauseMs);
      laps.start();
    }
    payload.check(await caller.call(payload.make(index)), index);
    laps.lap();
  }
}

async function manyAtOnce<Value, Request extends Value>(
  caller: Caller<Value, Request>,
  { count, size, isWhole }: Block,
  underWay: number,
): Promise<void> {
  let next = 0;
  const place = async () => {
    const payload = caller.payload(size, { isWhole });
    while (next < count) {
      const index = next++;
      payload.check(await caller.call(payload.make(index)), index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(underWay, count) }, place));
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
