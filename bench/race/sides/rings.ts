import { Consumer, Producer, type WaitPolicy } from "zerocross";
import { type BlockingEnd, firstBlocking, secondBlocking } from "./blocking.ts";
import type { Mechanism } from "./mechanism.ts";

/** A message may have half of it: 1 MiB fits, and more than one at a time. */
export const capacity = 4 * 1024 * 1024;

/** Milliseconds until the other process has connected. */
export const meetingMax = 20_000;

export interface Ends {
  readonly producer: Producer;
  readonly consumer: Consumer;
}

export const paths = (prefix: string) => ({ there: `${prefix}.there`, back: `${prefix}.back` });

export function openFirst(prefix: string, wait: WaitPolicy): Ends {
  const { there, back } = paths(prefix);
  const producer = Producer.listenSync(there, { capacity, wait, timeout: meetingMax });
  return { producer, consumer: Consumer.connectSync(back, { wait, timeout: meetingMax }) };
}

export function openSecond(prefix: string, wait: WaitPolicy): Ends {
  const { there, back } = paths(prefix);
  const consumer = Consumer.connectSync(there, { wait, timeout: meetingMax });
  return { producer: Producer.listenSync(back, { capacity, wait, timeout: meetingMax }), consumer };
}

const nothingThere = -1;

function received(size: number): number {
  if (size < 0) throw new Error("the other side has closed the ring");
  return size;
}

export function waitingEnd({ producer, consumer }: Ends): BlockingEnd {
  return {
    send: (bytes) => producer.sendSync(bytes),
    receive: (into) => received(consumer.receiveIntoSync(into)),
  };
}

function pollingEnd({ producer, consumer }: Ends): BlockingEnd {
  return {
    send(bytes) {
      while (!producer.trySend(bytes));
    },
    receive(into) {
      while (true) {
        const size = consumer.tryReceiveInto(into);
        if (size !== nothingThere) return received(size);
      }
    },
  };
}

function ring(endOf: (ends: Ends) => BlockingEnd, wait: WaitPolicy): Mechanism {
  return {
    isBlocking: true,
    async first({ prefix, startProcess }) {
      await startProcess();
      return firstBlocking(endOf(openFirst(prefix, wait)));
    },
    async second({ prefix, hello }) {
      await hello();
      return secondBlocking(endOf(openSecond(prefix, wait)));
    },
  };
}

export const tryRing: Mechanism = ring(pollingEnd, {});
export const syncRing: Mechanism = ring(waitingEnd, {});
export const spinRing: Mechanism = ring(waitingEnd, { spin: Infinity });
/** Between the two runtimes. */
export const spinRingToDeno: Mechanism = { ...spinRing, secondRuntime: "deno" };
