// One side of a measurement between two JavaScript processes, started by pair.ts in Bun or Deno:
// `side.ts <case> <first|second> <address> <core>`. For each number that it reads from its standard
// input it runs a block of so many repetitions and answers the nanoseconds that it took.

import { createInterface } from "node:readline";
import { Consumer, Producer } from "zerocross";
import { pinThread } from "../pin.ts";
import { cases, type Ends } from "./cases.ts";

const [name = "", position = "", address = "", core = ""] = process.argv.slice(2);
const chosen = cases[name];
if (chosen === undefined) throw new Error(`unknown case ${name}`);
const isFirst = position === "first";
pinThread(Number(core));

const there = `${address}-there`;
const back = `${address}-back`;
const wait = chosen.wait ?? { spin: Infinity };

function open(): Ends {
  if (isFirst) {
    const producer = Producer.listenSync(there, { wait, timeout: 20_000 });
    return { producer, consumer: Consumer.connectSync(back, { wait, timeout: 20_000 }) };
  }
  const consumer = Consumer.connectSync(there, { wait, timeout: 20_000 });
  return { producer: Producer.listenSync(back, { wait, timeout: 20_000 }), consumer };
}

const ends = open();
const token = new Uint8Array(1);

/** A round trip before the clock starts: waking up from the wait for a command is not measured. */
function meet(): void {
  if (isFirst) ends.producer.sendSync(token);
  ends.consumer.receiveIntoSync(token);
  if (!isFirst) ends.producer.sendSync(token);
}
for await (const line of createInterface({ input: process.stdin })) {
  const count = Number(line);
  meet();
  const start = performance.now();
  if (isFirst) chosen.first(ends, count);
  else chosen.second(ends, count);
  console.log(Math.round((performance.now() - start) * 1e6));
}
ends.producer.close();
ends.consumer.close();
