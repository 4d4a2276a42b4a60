// The camera that main.ts starts: takes frames at a fixed rate, and writes each where it will be read.

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { PeerClosedError, Producer } from "zerocross";
import { type Counts, field, frameSize, framesPerSecond, messageType, now } from "./frame.ts";

const [path = "", seconds = "0"] = process.argv.slice(2);

// Ctrl-C reaches every process of the terminal; this one ends when the viewer closes the channel.
process.on("SIGINT", () => {});

try {
  using producer = await Producer.connect(path);
  const counts = await takeFrames(producer, Number(seconds) * framesPerSecond);
  await producer.send(new TextEncoder().encode(JSON.stringify(counts)), messageType.counts);
} catch (error) {
  if (!(error instanceof PeerClosedError)) throw error;
}

async function takeFrames(producer: Producer, count: number): Promise<Counts> {
  let dropped = 0;
  const start = performance.now();
  for (let number = 0; number < count; number++) {
    // Due times are counted from the start, so that being late once does not delay all that follow.
    const due = start + (number / framesPerSecond) * 1000;
    await sleep(Math.max(0, due - performance.now()));
    if (!tryTakeFrame(producer, number)) dropped += 1;
  }
  return { taken: count, dropped };
}

/** False: the ring is full. A camera cannot wait for its viewer, so there is no such frame then. */
function tryTakeFrame(producer: Producer, number: number): boolean {
  using slot = producer.tryClaim(frameSize);
  if (slot === undefined) return false;
  const { bytes } = slot;
  const header = new DataView(bytes.buffer, bytes.byteOffset, field.pixels);
  header.setUint32(field.number, number, true);
  header.setFloat64(field.time, now(), true);
  bytes.fill(number, field.pixels);
  slot.commit(frameSize, messageType.frame);
  return true;
}
