import { Consumer, Producer } from "zerocross";
import { type EventEnd, messages } from "./events.ts";
import type { Mechanism } from "./mechanism.ts";
import { Bytes } from "./payload.ts";
import { capacity, type Ends, meetingMax, paths } from "./rings.ts";

interface AwaitedEnd {
  send(bytes: Uint8Array): Promise<void>;
  receive(): Promise<Uint8Array>;
  readonly underWayMax?: (size: number) => number;
  fail(error: unknown): void;
}

/** A connection whose messages are awaited one after the other. */
export function awaited({ send, receive, underWayMax, fail }: AwaitedEnd): EventEnd<Uint8Array> {
  let take = (_bytes: Uint8Array): void => {};
  const takeAll = async () => {
    while (true) {
      const bytes = await receive();
      take(bytes);
    }
  };
  void takeAll().catch(fail);
  return {
    fail,
    payload: (size, options) => new Bytes(size, options),
    listen(_, message) {
      take = message;
    },
    send: (bytes) => send(bytes).catch(fail),
    ...(underWayMax !== undefined && { underWayMax, buffers: underWayMax }),
  };
}

function overRings({ producer, consumer }: Ends, fail: (error: unknown) => void) {
  return awaited({
    fail,
    send: (bytes) => producer.send(bytes),
    async receive() {
      const message = await consumer.receive();
      if (message === null) throw new Error("the other side has closed");
      return message.bytes;
    },
  });
}

const timeout = meetingMax;

export const awaitedRing: Mechanism = {
  isBlocking: false,
  async first({ prefix, startProcess, fail }) {
    await startProcess();
    const { there, back } = paths(prefix);
    const producer = await Producer.listen(there, { capacity, timeout });
    const consumer = await Consumer.connect(back, { timeout });
    return messages.first(overRings({ producer, consumer }, fail));
  },
  async second({ prefix, hello, fail }) {
    await hello();
    const { there, back } = paths(prefix);
    const consumer = await Consumer.connect(there, { timeout });
    const producer = await Producer.listen(back, { capacity, timeout });
    return messages.second(overRings({ producer, consumer }, fail));
  },
};
