/** Runs in a worker of async-workers.ts: waits for a channel of its own, in which it is both ends. */
import { Consumer, Producer } from "../../src/index.ts";

declare const self: Worker & { close(): void };

const path = `@zerocross-worker-${process.pid}-${crypto.randomUUID()}`;
const listening = Consumer.listen(path, { capacity: 4096 });
const producer = await Producer.connect(path);
const consumer = await listening;

self.onmessage = async ({ data }: MessageEvent) => {
  if (data === "close") {
    producer.close();
    consumer.close();
    self.close();
  } else producer.trySend(new Uint8Array(data));
};

// Asleep, then awake, then asleep again.
const receiving = consumer.receive();
setTimeout(() => producer.trySend(new Uint8Array(3)), 5);
self.postMessage((await receiving)?.bytes.length);
try {
  for await (const { bytes } of consumer) self.postMessage(bytes.length);
} catch {
  // It was told to close.
}
