/** Workers that wait for channels, several at once or many one after the other. */
import { readdirSync } from "node:fs";
import process from "node:process";
import { Consumer, Producer } from "../../src/index.ts";
import { print, programArguments } from "../support/child.ts";

const { scenario, count = 0 } = programArguments<{ scenario: string; count?: number }>();

function startWorker() {
  const worker = new Worker(new URL("./async-worker.ts", import.meta.url), { type: "module" });
  const messages: unknown[] = [];
  let wake = () => {};
  worker.onmessage = ({ data }) => {
    messages.push(data);
    wake();
  };
  worker.onerror = (event) => {
    event.preventDefault?.();
    messages.push(event.message);
    wake();
  };
  const next = async () => {
    if (messages.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return messages.shift();
  };
  return { worker, next };
}

async function expect(next: () => Promise<unknown>, expected: number) {
  const found = await next();
  if (found !== expected) throw new Error(`${found} instead of ${expected}`);
}

const scenarios: Record<string, () => Promise<unknown>> = {
  /** Each answers for itself, while this thread waits for a channel too. */
  async several() {
    const path = `@zerocross-workers-${process.pid}`;
    const listening = Consumer.listen(path);
    const producer = await Producer.connect(path);
    const consumer = await listening;
    const receiving = consumer.receive();
    const workers = Array.from({ length: count }, startWorker);
    for (const { next } of workers) await expect(next, 3);
    for (let round = 0; round < 3; round++) {
      for (const [i, { worker }] of workers.entries()) worker.postMessage(10 * round + i);
      for (const [i, { next }] of workers.entries()) await expect(next, 10 * round + i);
    }
    producer.trySend(new Uint8Array(5));
    const size = (await receiving)?.bytes.length;
    for (const { worker } of workers) worker.postMessage("close");
    return size;
  },
  async terminated() {
    for (let i = 0; i < count; i++) {
      const { worker, next } = startWorker();
      await expect(next, 3);
      worker.terminate();
    }
    return readdirSync("/proc/self/task").length;
  },
  async closed() {
    for (let i = 0; i < count; i++) {
      const { worker, next } = startWorker();
      await expect(next, 3);
      worker.postMessage("close");
    }
    return readdirSync("/proc/self/task").length;
  },
};

print(await scenarios[scenario]?.());
