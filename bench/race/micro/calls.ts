import type { Consumer, Producer } from "zerocross";
import { emptyCall } from "../sides/clock.ts";

/** A single call of the library, in groups that are timed as one. */
export interface Call {
  readonly name: string;
  /** Before a group: not timed. */
  prepare(): void;
  /** Makes `groupSize` calls, or as many messages cross. */
  runGroup(): void;
}

export const groupSize = 1024;
const size = 32;
const drainMax = 64;

const bytes = new Uint8Array(size);
const into = new Uint8Array(size);
const many = new Uint8Array(size * groupSize);
const sizes = new Uint32Array(groupSize).fill(size);

function check(isRight: boolean): void {
  if (!isRight) throw new Error("a message did not cross as it was sent");
}

/** Both ends are in this thread, and a group fits into the ring. */
export function callsOn(producer: Producer, consumer: Consumer): readonly Call[] {
  const sendAll = () => {
    for (let i = 0; i < groupSize; i++) check(producer.trySend(bytes));
  };
  const sendMany = () => check(producer.trySendMany(many, sizes) === groupSize);
  const receiveAll = () => {
    for (let i = 0; i < groupSize; i++) check(consumer.tryReceiveInto(into) === size);
  };
  const empty = () => {
    while (consumer.tryReceiveInto(into) >= 0);
  };
  const refill = (fill: () => void) => () => {
    empty();
    fill();
  };
  const drainAll = () => {
    let sum = 0;
    for (let received = 0; received < groupSize; ) {
      const batch = consumer.tryDrain(drainMax);
      if (!batch) throw new Error("messages are missing");
      const { length, memory } = batch;
      for (let i = 0; i < length; i++) sum += memory.getUint32(batch.offset(i), true);
      received += length;
      batch.release();
    }
    return sum;
  };
  return [
    {
      name: "FFI crossing, an empty call",
      prepare() {},
      runGroup() {
        for (let i = 0; i < groupSize; i++) emptyCall();
      },
    },
    { name: "trySend, 32 bytes", prepare: empty, runGroup: sendAll },
    { name: "tryReceiveInto, 32 bytes", prepare: refill(sendAll), runGroup: receiveAll },
    { name: "trySendMany, per message of 32 bytes", prepare: empty, runGroup: sendMany },
    {
      name: "tryDrain of 64, per message of 32 bytes",
      prepare: refill(sendAll),
      runGroup: drainAll,
    },
    {
      name: "tryDrain of 64, per packed message of 32 bytes",
      prepare: refill(sendMany),
      runGroup: drainAll,
    },
  ];
}
