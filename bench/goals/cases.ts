import type { Batch, Consumer, Producer, WaitPolicy } from "zerocross";

/** What one side of a measurement has: a channel to the other side and one from it. */
export interface Ends {
  readonly producer: Producer;
  readonly consumer: Consumer;
}

/** What each side does for a block of `count` repetitions. */
export interface Case {
  /** Default: spin for ever. */
  readonly wait?: WaitPolicy;
  first(ends: Ends, count: number): void;
  second(ends: Ends, count: number): void;
}

const payloadWords = 8;
const payloadSize = 4 * payloadWords;
const payload = new Uint32Array(payloadWords);
const payloadBytes = new Uint8Array(payload.buffer);
const received = new Uint32Array(payloadWords);
const receivedBytes = new Uint8Array(received.buffer);

/** Every word of a payload depends on the message's number, so that each one has to be read. */
function write(words: Uint32Array, at: number, index: number): void {
  for (let word = 0; word < payloadWords; word++) words[at + word] = index + word;
}

/** 0 when the payload at `at` is that of message `index`. */
function difference(words: Uint32Array, at: number, index: number): number {
  let bits = 0;
  for (let word = 0; word < payloadWords; word++) bits |= (words[at + word] ?? 0) ^ (index + word);
  return bits;
}

function fail(index: number): never {
  throw new Error(`message ${index} arrived with other bytes than were sent`);
}

function send({ producer }: Ends, index: number): void {
  payload[0] = index;
  producer.sendSync(payloadBytes);
}

function receive({ consumer }: Ends, index: number): void {
  const size = consumer.receiveIntoSync(receivedBytes);
  if (size !== payloadSize || received[0] !== index) fail(index);
}

/** The first side produces `count` messages and hears from the second when it has read the last. */
function oneWay(produce: (ends: Ends, count: number) => void): Case {
  return {
    first(ends, count) {
      produce(ends, count);
      receive(ends, count);
    },
    second(ends, count) {
      drainAndCheck(ends, count);
      send(ends, count);
    },
  };
}

function drainAndCheck({ consumer }: Ends, count: number): void {
  let words: Uint32Array | undefined;
  let index = 0;
  while (index < count) {
    const batch = consumer.drainSync() as Batch;
    words ??= new Uint32Array(batch.memory.buffer, 0, batch.memory.byteLength >> 2);
    const { length } = batch;
    for (let i = 0; i < length; i++, index++) {
      if (batch.size(i) !== payloadSize || difference(words, batch.offset(i) >> 2, index) !== 0) {
        fail(index);
      }
    }
    batch.release();
  }
}

function produceOneByOne({ producer }: Ends, count: number): void {
  for (let index = 0; index < count; index++) {
    write(payload, 0, index);
    if (!producer.trySend(payloadBytes)) producer.sendSync(payloadBytes);
  }
}

function produceStaged({ producer }: Ends, count: number): void {
  for (let index = 0; index < count; index++) {
    const slot = producer.claimSync(payloadSize);
    write(payload, 0, index);
    slot.bytes.set(payloadBytes);
    slot.stage();
  }
  producer.flush();
}

const manyCount = 1024;
const many = new Uint32Array(payloadWords * manyCount);
const manyBytes = new Uint8Array(many.buffer);
const manySizes = new Uint32Array(manyCount).fill(payloadSize);

function produceMany({ producer }: Ends, count: number): void {
  for (let index = 0; index < count; index += manyCount) {
    const here = Math.min(manyCount, count - index);
    for (let i = 0; i < here; i++) write(many, payloadWords * i, index + i);
    let sent = 0;
    while (sent < here) {
      const bytes = manyBytes.subarray(payloadSize * sent, payloadSize * here);
      sent += producer.trySendMany(bytes, manySizes.subarray(sent, here));
    }
  }
}

function waitInVain(consumer: Consumer, timeout: number): void {
  try {
    consumer.receiveSync({ timeout });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "TimeoutError")) throw error;
  }
}

const large = new Uint32Array(16 * 1024);
const largeBytes = new Uint8Array(large.buffer);

export const cases: Readonly<Record<string, Case>> = {
  "round-trip": {
    first(ends, count) {
      for (let index = 0; index < count; index++) {
        send(ends, index);
        receive(ends, index);
      }
    },
    second(ends, count) {
      for (let index = 0; index < count; index++) {
        receive(ends, index);
        send(ends, index);
      }
    },
  },
  "one-by-one": oneWay(produceOneByOne),
  staged: oneWay(produceStaged),
  packed: oneWay(produceMany),
  // Both sides wait for `count` milliseconds for a message that does not come.
  idle: {
    wait: {},
    first({ consumer }, count) {
      waitInVain(consumer, count);
    },
    second({ consumer }, count) {
      waitInVain(consumer, count);
    },
  },
  large: {
    first(ends, count) {
      for (let index = 0; index < count; index++) {
        large[0] = index;
        ends.producer.sendSync(largeBytes);
      }
      receive(ends, count);
    },
    second(ends, count) {
      for (let index = 0; index < count; index++) {
        const size = ends.consumer.receiveIntoSync(largeBytes);
        if (size !== largeBytes.length || large[0] !== index) fail(index);
      }
      send(ends, count);
    },
  },
};
