/**
 * Both ends in one thread, message after message, and what the runtime says of its heap meanwhile.
 * The garbage collector is not asked for anything: what is seen is what the messages leave behind.
 */
import process from "node:process";
import { print, programArguments } from "../support/child.ts";
import { TestArena } from "../support/in-thread.ts";

const { form, messages } = programArguments<{ form: string; messages: number }>();
const sampleEvery = 100_000;
const payload = new Uint32Array(8);
const payloadBytes = new Uint8Array(payload.buffer);
const received = new Uint32Array(8);
const receivedBytes = new Uint8Array(received.buffer);
const batchLength = 20;

using memory = new TestArena();
const consumer = memory.consumer();
const producer = memory.producer();
/** Where the control leaves its objects, so that they cannot be optimised away. */
let last: { index: number } | undefined;

function fail(index: number): never {
  throw new Error(`message ${index} did not arrive as it was sent`);
}

function send(index: number): void {
  payload[0] = index;
  if (!producer.trySend(payloadBytes, 1)) fail(index);
}

function receive(index: number): void {
  if (consumer.tryReceiveInto(receivedBytes) !== 32 || received[0] !== index) fail(index);
}

/** Each sends and receives messages from `from` up to `to`. */
const forms: Record<string, (from: number, to: number) => void> = {
  copies(from, to) {
    for (let index = from; index < to; index++) {
      send(index);
      receive(index);
    }
  },
  batches(from, to) {
    for (let index = from; index < to; index += batchLength) {
      for (let i = 0; i < batchLength; i++) send(index + i);
      const batch = consumer.tryDrain();
      if (!batch || batch.length !== batchLength) fail(index);
      for (let i = 0; i < batchLength; i++) {
        const found = batch.memory.getUint32(batch.offset(i), true);
        if (batch.size(i) !== 32 || found !== index + i) fail(index + i);
      }
      batch.release();
    }
  },
  /** What the others must not look like: one small object for each message. */
  control(from, to) {
    for (let index = from; index < to; index++) {
      send(index);
      last = { index };
      receive(last.index);
    }
  },
};

const run = forms[form] as (from: number, to: number) => void;
const begun = performance.now();
// The compilers have their say before anything is measured.
const warmUp = 5 * sampleEvery;
const samples = new Float64Array(messages / sampleEvery);
for (let done = 0; done < warmUp + messages; done += sampleEvery) {
  run(done, done + sampleEvery);
  const heapUsed = process.memoryUsage().heapUsed;
  if (done >= warmUp) samples[(done - warmUp) / sampleEvery] = heapUsed;
}
print({ milliseconds: performance.now() - begun, samples: [...samples] });
