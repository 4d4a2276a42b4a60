/** Most of the messages: small ones, in bursts that fill the ring, read where they lie. */
import { type Batch, Consumer, Producer } from "../../../src/index.ts";
import { pause } from "../../../tests/support/child.ts";
import { checkSmall, smallWordsMax, writeSmall } from "../content.ts";
import { Member, patience } from "../member.ts";
import { Pace } from "../pace.ts";

const member = new Member();
const perSecond = 450_000;
/** Milliseconds between two bursts. */
const burstEvery = 50;
const batchMax = 1024;
/** One batch in so many is sent, or received, in another way than the others. */
const otherWay = 8;

const words = new Uint32Array(batchMax * smallWordsMax);
const bytes = new Uint8Array(words.buffer);
const sizes = new Uint32Array(batchMax);
let next = 0;

function produce(): void {
  using producer = Producer.connectSync(member.path(member.load), patience);
  const pace = new Pace(perSecond);
  for (let batches = 0; member.goesOn(); pause(burstEvery)) {
    for (let due = pace.due(); due > 0; due -= batchMax, batches++) {
      const count = Math.min(due, batchMax);
      if (batches % otherWay === 0) stage(producer, count);
      else sendMany(producer, count);
      member.sent += count;
    }
  }
}

function sendMany(producer: Producer, count: number): void {
  let end = 0;
  for (let i = 0; i < count; i++) {
    const length = writeSmall(words, end, next++);
    sizes[i] = 4 * length;
    end += length;
  }
  let at = 0;
  for (let sent = 0; sent < count; ) {
    const some = producer.trySendMany(bytes.subarray(at, 4 * end), sizes.subarray(sent, count));
    for (const last = sent + some; sent < last; sent++) at += sizes[sent] as number;
    if (sent === count) break;
    // The ring is full. This waits for room.
    const size = sizes[sent++] as number;
    producer.sendSync(bytes.subarray(at, at + size), 0, patience);
    at += size;
  }
}

function stage(producer: Producer, count: number): void {
  for (let i = 0; i < count; i++) {
    const size = 4 * writeSmall(words, 0, next++);
    using slot = producer.claimSync(4 * smallWordsMax, patience);
    slot.bytes.set(bytes.subarray(0, size));
    slot.stage(size);
  }
  producer.flush();
}

function consume(): void {
  using consumer = Consumer.listenSync(member.path(member.load), patience);
  for (let batches = 0; ; batches++) {
    const count = batches % otherWay === 0 ? copy(consumer) : drain(consumer);
    if (count === 0) break;
    member.messages += count;
    member.goesOn();
  }
}

function drain(consumer: Consumer): number {
  const batch = consumer.drainSync(batchMax, patience);
  if (batch === null) return 0;
  const { length } = batch;
  checkInPlace(batch, length);
  batch.release();
  return length;
}

let mapping: Uint32Array = new Uint32Array(0);

function checkInPlace(batch: Batch, length: number): void {
  if (mapping.length === 0) mapping = new Uint32Array(batch.memory.buffer);
  for (let i = 0; i < length; i++) {
    checkSmall(mapping, batch.offset(i) / 4, batch.size(i), next++);
  }
}

function copy(consumer: Consumer): number {
  const size = consumer.receiveIntoSync(bytes, patience);
  if (size < 0) return 0;
  checkSmall(words, 0, size, next++);
  return 1;
}

if (member.role === "producer") produce();
else consume();
member.report();
