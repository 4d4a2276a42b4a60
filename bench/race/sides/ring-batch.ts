import type { Batch } from "zerocross";
import { acknowledge, awaitAcknowledgement } from "./blocking.ts";
import type { Block, Mechanism } from "./mechanism.ts";
import { Bytes, Landing } from "./payload.ts";
import { type Ends, openFirst, openSecond, waitingEnd } from "./rings.ts";

const manyMax = 1024;
const bytesMax = 1024 * 1024;
const wait = { spin: Infinity };

function sendAll(ends: Ends, { count, size, isWhole }: Block): void {
  const { producer } = ends;
  const many = Math.max(1, Math.min(manyMax, Math.floor(bytesMax / size)));
  const sizes = new Uint32Array(many).fill(size);
  const packed = new Bytes(size, { isWhole, underWay: many });
  for (let index = 0; index < count; index += many) {
    const here = Math.min(many, count - index);
    packed.makeMany(index, here);
    let sent = 0;
    while (sent < here) {
      const bytes = packed.bytes.subarray(size * sent, size * here);
      sent += producer.trySendMany(bytes, sizes.subarray(sent, here));
    }
  }
  awaitAcknowledgement(waitingEnd(ends), count);
}

function takeAll(ends: Ends, { count, size, isWhole }: Block): void {
  const { consumer } = ends;
  let landing: Landing | undefined;
  for (let index = 0; index < count; ) {
    const batch = consumer.drainSync();
    if (batch === null) throw new Error("the other side has closed the ring");
    landing ??= new Landing(batch.memory.buffer, size, isWhole);
    index = check(batch, landing, index);
    batch.release();
  }
  acknowledge(waitingEnd(ends), count);
}

/** The number of the next message. */
function check(batch: Batch, landing: Landing, from: number): number {
  const { length } = batch;
  for (let i = 0; i < length; i++) landing.check(batch.size(i), from + i, batch.offset(i));
  return from + length;
}

export const batches: Mechanism = {
  isBlocking: true,
  isOneWay: true,
  async first({ prefix, startProcess }) {
    await startProcess();
    const ends = openFirst(prefix, wait);
    return { run: (block) => sendAll(ends, block) };
  },
  async second({ prefix, hello }) {
    await hello();
    const ends = openSecond(prefix, wait);
    return { run: (block) => takeAll(ends, block) };
  },
};
