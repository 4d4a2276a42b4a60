// One side of a measurement between two JavaScript processes, started by pair.ts in Bun or Deno:
// `side.ts <case> <first|second> <folder> <core>`. For each number that it reads from its standard
// input it runs a block of so many repetitions and answers the nanoseconds that it took.

import { join } from "node:path";
import { createInterface } from "node:readline";
import { Consumer, Producer } from "zerocross";
import { cases, type Ends } from "./cases.ts";
import { pinThread } from "./pin.ts";

const [name = "", position = "", folder = "", core = ""] = process.argv.slice(2);
const chosen = cases[name];
if (chosen === undefined) throw new Error(`unknown case ${name}`);
const isFirst = position === "first";
pinThread(Number(core));

const there = join(folder, "there");
const back = join(folder, "back");
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
for await (const line of createInterface({ input: process.stdin })) {
  const count = Number(line);
  const start = performance.now();
  if (isFirst) chosen.first(ends, count);
  else chosen.second(ends, count);
  console.log(Math.round((performance.now() - start) * 1e6));
}
ends.producer.close();
ends.consumer.close();
