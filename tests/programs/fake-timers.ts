/** Waits under the fake timers of Bun, which reach beneath everything that JavaScript has for a clock. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { Consumer, FanIn, Producer } from "../../src/index.ts";
import { print, programArguments } from "../support/child.ts";

const { scenario } = programArguments<{ scenario: string }>();
const path = `@zerocross-fake-timers-${process.pid}`;
const message = Uint8Array.of(7);

/** A second and a half, by another clock. */
const awhile = () => once(spawn("sleep", ["1.5"]), "exit");

const scenarios: Record<string, () => Promise<number | undefined>> = {
  async "a receive"() {
    const listening = Consumer.listen(path);
    using producer = await Producer.connect(path);
    using consumer = await listening;
    const receiving = consumer.receive();
    await awhile();
    producer.trySend(message);
    return (await receiving)?.bytes[0];
  },
  async "a connect"() {
    const connecting = Producer.connect(path);
    await awhile();
    using consumer = await Consumer.listen(path);
    using producer = await connecting;
    producer.trySend(message);
    return consumer.receiveSync()?.bytes[0];
  },
  async "a receiveSync of a FanIn"() {
    await using fanIn = await FanIn.listen(path);
    const source = `
      import { Producer } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
      setTimeout(() => {
        const producer = Producer.connectSync(${JSON.stringify(path)});
        producer.sendSync(Uint8Array.of(7));
      }, 1500);`;
    const worker = new Worker(URL.createObjectURL(new Blob([source])));
    const message = fanIn.receiveSync();
    worker.terminate();
    return message.bytes[0];
  },
};

const { jest } = await import("bun:test");
jest.useFakeTimers();
const before = process.cpuUsage();
const result = await scenarios[scenario]?.();
const { user, system } = process.cpuUsage(before);
print({ result, busy: (user + system) / 1000 });
