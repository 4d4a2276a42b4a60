import type { Block, FirstHalf, SecondHalf, TimedBlock } from "./mechanism.ts";
import { Bytes } from "./payload.ts";

/** A connection whose calls are awaited. */
export interface AwaitingEnd {
  send(bytes: Uint8Array): Promise<void>;
  /** Null: the other side has closed. */
  receive(): Promise<{ readonly bytes: Uint8Array } | null>;
  /** Messages of which the receiver has told nothing yet, and whose memory is in use. No limit where `send` waits. */
  readonly underWayMax?: (size: number) => number;
}

const acknowledgement = 4;

function bytesOf(message: { readonly bytes: Uint8Array } | null): Uint8Array {
  if (message === null) throw new Error("the other side has closed");
  return message.bytes;
}

export function firstAwaiting(end: AwaitingEnd): FirstHalf {
  return {
    run: (block) => (block.form === "round-trip" ? askAll(end, block) : sendAll(end, block)),
  };
}

export function secondAwaiting(end: AwaitingEnd): SecondHalf {
  return {
    run: (block) => (block.form === "round-trip" ? answerAll(end, block) : takeAll(end, block)),
  };
}

async function askAll(end: AwaitingEnd, { count, size, isWhole, laps }: TimedBlock): Promise<void> {
  const payload = new Bytes(size, { isWhole });
  laps.start();
  for (let index = 0; index < count; index++) {
    await end.send(payload.make(index));
    payload.check(bytesOf(await end.receive()), index);
    laps.lap();
  }
}

async function answerAll(end: AwaitingEnd, { count, size, isWhole }: Block): Promise<void> {
  const payload = new Bytes(size, { isWhole });
  for (let index = 0; index < count; index++) {
    const bytes = bytesOf(await end.receive());
    payload.check(bytes, index);
    await end.send(bytes);
  }
}

/** How many messages are acknowledged at once. */
function acknowledgedAtOnce({ underWayMax }: AwaitingEnd, { count, size }: Block): number {
  return Math.min(count, Math.ceil((underWayMax?.(size) ?? Infinity) / 2));
}

async function sendAll(end: AwaitingEnd, block: Block): Promise<void> {
  const { count, size, isWhole } = block;
  const atOnce = acknowledgedAtOnce(end, block);
  const underWayMax = 2 * atOnce;
  const isLimited = end.underWayMax !== undefined;
  const payload = new Bytes(size, { isWhole, underWay: isLimited ? underWayMax : 1 });
  const told = new Bytes(acknowledgement, { isWhole });
  let acknowledged = 0;
  const hearMore = async () => {
    acknowledged = Math.min(count, acknowledged + atOnce);
    told.check(bytesOf(await end.receive()), acknowledged);
  };
  for (let index = 0; index < count; index++) {
    if (index - acknowledged === underWayMax) await hearMore();
    await end.send(payload.make(index));
  }
  while (acknowledged < count) await hearMore();
}

async function takeAll(end: AwaitingEnd, block: Block): Promise<void> {
  const { count, size, isWhole } = block;
  const atOnce = acknowledgedAtOnce(end, block);
  const payload = new Bytes(size, { isWhole });
  for (let received = 0; received < count; ) {
    payload.check(bytesOf(await end.receive()), received);
    received += 1;
    if (received % atOnce > 0 && received < count) continue;
    await end.send(new Bytes(acknowledgement, { isWhole }).make(received));
  }
}
