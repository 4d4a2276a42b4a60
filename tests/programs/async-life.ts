/** Waits, or has waited, in the way that the test names; whether and how it then ends is the test's subject. */
import process from "node:process";
import { Consumer, FanIn, Producer } from "../../src/index.ts";
import { print, programArguments } from "../support/child.ts";

const { scenario, spin } = programArguments<{ scenario: string; spin?: number }>();
const wait = spin === undefined ? {} : { spin };
let paths = 0;
/** What is dropped is closed by the garbage collector, and this is not about that. */
const kept: unknown[] = [];

async function open() {
  const path = `@zerocross-life-${process.pid}-${paths++}`;
  const listening = Consumer.listen(path, { capacity: 4096, wait });
  const producer = await Producer.connect(path, { wait });
  const consumer = await listening;
  kept.push(producer, consumer);
  return { producer, consumer };
}

async function fill(producer: Producer) {
  while (producer.trySend(new Uint8Array(960)));
}

/** Has waited for longer than a wait spins, so that whatever sleeps for this process exists. */
async function hasWaited() {
  const channel = await open();
  const receiving = channel.consumer.receive();
  setTimeout(() => channel.producer.trySend(new Uint8Array(1)), 50);
  await receiving;
  return channel;
}

const scenarios: Record<string, () => Promise<void>> = {
  // These end by themselves.
  async opened() {
    await open();
  },
  async waited() {
    await hasWaited();
  },
  async closed() {
    const { producer, consumer } = await hasWaited();
    producer.close();
    consumer.close();
  },
  async timedOut() {
    const { consumer } = await hasWaited();
    await consumer.receive({ timeout: 30 }).catch(() => {});
  },
  async aborted() {
    const { consumer, producer } = await hasWaited();
    await fill(producer);
    while (consumer.tryReceive() !== undefined);
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [consumer.receive({ signal }), consumer.receive({ signal })];
    setTimeout(() => controller.abort(), 50);
    await Promise.allSettled(calls);
  },
  async closedWhileWaiting() {
    const { consumer } = await hasWaited();
    const receiving = consumer.receive();
    setTimeout(() => consumer.close(), 50);
    await receiving.catch(() => {});
  },
  async listenAborted() {
    await hasWaited();
    const signal = AbortSignal.timeout(50);
    const keepsAlive = setTimeout(() => {}, 60);
    await Consumer.listen(`@zerocross-life-${process.pid}`, { signal }).catch(() => {});
    clearTimeout(keepsAlive);
  },
  async fanInIdle() {
    await FanIn.listen(`@zerocross-life-${process.pid}`);
  },
  async fanInWaited() {
    const fanIn = await FanIn.listen(`@zerocross-life-${process.pid}`);
    await fanIn.receive({ timeout: 50 }).catch(() => {});
    const receiving = fanIn.receive();
    const producer = await Producer.connect(`@zerocross-life-${process.pid}`);
    await producer.send(new Uint8Array(1));
    await receiving;
  },
  // These wait without an end.
  async receiving() {
    const { consumer } = await open();
    void consumer.receive();
  },
  async receivingAgain() {
    const { consumer } = await hasWaited();
    void consumer.receive();
  },
  async sending() {
    const { producer } = await open();
    await fill(producer);
    void producer.send(new Uint8Array(8));
  },
  async listening() {
    void Consumer.listen(`@zerocross-life-${process.pid}`);
  },
  async connecting() {
    void Consumer.connect(`@zerocross-life-${process.pid}`, { timeout: Infinity });
  },
  async fanInReceiving() {
    const fanIn = await FanIn.listen(`@zerocross-life-${process.pid}`);
    void fanIn.receive();
  },
  // These end in the middle of a wait.
  async exiting() {
    const { consumer } = await hasWaited();
    void consumer.receive();
    setTimeout(() => process.exit(7), 50);
  },
  async exitingAtOnce() {
    const { consumer } = await open();
    void consumer.receive();
    process.exit(7);
  },
  async throwing() {
    const { consumer } = await hasWaited();
    void consumer.receive();
    setTimeout(() => {
      throw new Error("thrown as told");
    }, 50);
  },
};

await scenarios[scenario]?.();
print(Date.now());
