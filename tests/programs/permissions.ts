/** Uses a channel under whatever permissions it was given, and says which calls threw what. */
import { Consumer, Producer } from "../../src/index.ts";
import { messageAt } from "../peer/content.ts";
import { print, programArguments } from "../support/child.ts";

const { path, end } = programArguments<{ path: string; end: "producer" | "consumer" }>();

function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    const { name, message } = error as Error;
    return { name, message };
  }
}

function produce(): unknown[] {
  using producer = Producer.connectSync(path);
  const message = (index: number) => messageAt(1, index, 32);
  producer.trySend(message(0), 1);
  producer.sendSync(message(1), 1);
  producer.trySendMany(message(2), Uint32Array.of(32), 1);
  const slot = producer.tryClaim(8);
  const view = outcome(() => slot?.bytes);
  slot?.rollback();
  producer.trySend(message(3), 1);
  return [view];
}

function consume(): unknown[] {
  using consumer = Consumer.connectSync(path);
  const into = new Uint8Array(32);
  const sizes = [consumer.receiveSync()?.bytes.length, consumer.receiveIntoSync(into)];
  const batch = consumer.drainSync(1);
  sizes.push(batch?.size(0));
  const views = [outcome(() => batch?.bytes(0)), outcome(() => batch?.memory)];
  batch?.release();
  return [sizes, ...views, consumer.receiveSync()?.bytes.length];
}

print(end === "producer" ? produce() : consume());
