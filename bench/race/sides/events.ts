import { setTimeout as sleep } from "node:timers/promises";
import { type Caller, firstOfCalls } from "./calls.ts";
import type { Block, FirstHalf, SecondHalf, TimedBlock } from "./mechanism.ts";
import type { BytesOptions, Payload } from "./payload.ts";

/** A connection that calls back with what comes. */
export interface EventEnd<Value> {
  payload(size: number, options: BytesOptions): Payload<Value>;
  /** From now on messages of that size go to `take`; they stay as they are for as long as it keeps them. */
  listen(size: number, take: (value: Value) => void): void;
  /** A promise: the next one has to wait for it. */
  send(value: Value): Promise<void> | undefined;
  /** Messages of which the receiver has told nothing yet; no limit where `send` says when to wait. */
  readonly underWayMax?: (size: number) => number;
  /** Messages whose memory is in use until they are gone. Default 1: `send` copies. */
  readonly buffers?: (size: number) => number;
  /** For what goes wrong when something comes. */
  fail(error: unknown): void;
}

/** What the two sides do with a connection. */
export interface Style {
  first<Value>(end: EventEnd<Value>): FirstHalf;
  second<Value>(end: EventEnd<Value>): SecondHalf;
}

/** One side asks and the other answers, or one side sends and the other takes. */
export const messages: Style = {
  first: (end) => ({
    run: (block) => (block.form === "round-trip" ? askAll(end, block) : sendAll(end, block)),
  }),
  second: (end) => ({
    run: (block) => (block.form === "round-trip" ? answerAll(end, block) : takeAll(end, block)),
  }),
};

/** Requests that are answered in their order, so many under way at a time. */
export const callsOf = (underWay?: number): Style => ({
  first: (end) => {
    const waiting: ((answer: never) => void)[] = [];
    const caller: Caller<never> = {
      payload: end.payload as Caller<never>["payload"],
      prepare: (size) => end.listen(size, (answer) => waiting.shift()?.(answer as never)),
      call(request) {
        void end.send(request);
        return new Promise((resolve) => waiting.push(resolve));
      },
    };
    return firstOfCalls(caller, underWay);
  },
  second: (end) => ({ run: (block) => answerAll(end, block) }),
});

export const calls: Style = callsOf();

/** Calls `take` with the value and its number until `count` have come. */
function receive<Value>(
  end: EventEnd<Value>,
  { count, size }: Pick<Block, "count" | "size">,
  take: (value: Value, index: number) => void,
): Promise<void> {
  return new Promise((resolve) => {
    let index = 0;
    end.listen(size, (value) => {
      try {
        if (index === count) throw new Error(`a message came after all ${count} were there`);
        take(value, index);
      } catch (error) {
        end.fail(error);
      }
      index += 1;
      if (index === count) resolve();
    });
  });
}

async function askAll<Value>(end: EventEnd<Value>, block: TimedBlock): Promise<void> {
  const { count, size, isWhole, pauseMs, laps } = block;
  const payload = end.payload(size, { isWhole });
  const ask = (index: number) => {
    laps.start();
    void end.send(payload.make(index));
  };
  const answered = receive(end, block, (value, index) => {
    payload.check(value, index);
    laps.lap();
    if (index + 1 === count) return;
    if (pauseMs === 0) void end.send(payload.make(index + 1));
    else setTimeout(ask, pauseMs, index + 1);
  });
  if (pauseMs > 0) await sleep(pauseMs);
  ask(0);
  await answered;
}

function answerAll<Value>(end: EventEnd<Value>, block: Block): Promise<void> {
  const payload = end.payload(block.size, block);
  return receive(end, block, (value, index) => {
    payload.check(value, index);
    void end.send(value);
  });
}

/** Big enough for every mechanism; it holds the number of messages that came. */
const acknowledgement = 8;

/** How many messages are acknowledged at once. */
function acknowledgedAtOnce<Value>(end: EventEnd<Value>, { count, size }: Block): number {
  const underWay = end.underWayMax?.(size) ?? Infinity;
  return Math.min(count, Math.ceil(underWay / 2));
}

async function sendAll<Value>(end: EventEnd<Value>, block: Block): Promise<void> {
  const { count, size, isWhole } = block;
  const atOnce = acknowledgedAtOnce(end, block);
  const payload = end.payload(size, { isWhole, underWay: end.buffers?.(size) ?? 1 });
  const told = end.payload(acknowledgement, { isWhole });
  let acknowledged = 0;
  let wake: (() => void) | undefined;
  const parts = { count: Math.ceil(count / atOnce), size: acknowledgement };
  const allTold = receive(end, parts, (value) => {
    acknowledged = Math.min(count, acknowledged + atOnce);
    told.check(value, acknowledged);
    wake?.();
  });
  for (let index = 0; index < count; index++) {
    while (index - acknowledged >= 2 * atOnce) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const full = end.send(payload.make(index));
    if (full !== undefined) await full;
  }
  await allTold;
}

function takeAll<Value>(end: EventEnd<Value>, block: Block): Promise<void> {
  const { count, size, isWhole } = block;
  const atOnce = acknowledgedAtOnce(end, block);
  const payload = end.payload(size, { isWhole });
  const told = end.payload(acknowledgement, { isWhole });
  return receive(end, block, (value, index) => {
    payload.check(value, index);
    const received = index + 1;
    if (received % atOnce === 0 || received === count) void end.send(told.make(received));
  });
}
