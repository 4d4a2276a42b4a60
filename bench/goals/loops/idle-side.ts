// `idle-side.ts <waits|keeps> <consumers|server> <how many> <path>`. One process waits on its event
// loop, with so many channels or clients; the other keeps their other ends and does nothing.
// Answers, for each number of milliseconds that it reads, its own CPU time over them, in microseconds.

import { Consumer, Producer, RpcClient, serve } from "zerocross";
import { answerLines, sleep } from "../../lines.ts";

const [position = "", form = "", text = "", path = ""] = process.argv.slice(2);
const count = Number(text);
/** Small, so that a hundred channels of twelve processes fit into any machine. */
const capacity = 64 * 1024;
const timeout = 20_000;

/** Kept from being collected. */
const kept: unknown[] = [];

async function open(): Promise<void> {
  if (form === "server") await openServer();
  else await Promise.all(Array.from({ length: count }, (_, index) => openOne(`${path}-${index}`)));
}

async function openServer(): Promise<void> {
  if (position === "keeps") {
    for (let i = 0; i < count; i++) kept.push(await RpcClient.connect(path, { timeout }));
    return;
  }
  const server = await serve({ path, capacity, handler: ({ bytes }) => bytes });
  kept.push(server);
  while (server.connections < count) await sleep(10);
}

async function openOne(one: string): Promise<void> {
  if (position === "keeps") {
    kept.push(await Producer.connect(one, { timeout }));
    return;
  }
  const consumer = await Consumer.listen(one, { capacity, timeout });
  kept.push(consumer, consumer.receive());
}

await open();
console.log("ready");
await answerLines(async (line) => {
  const start = performance.now();
  const before = process.cpuUsage();
  await sleep(Number(line));
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: user + system, elapsedMs: performance.now() - start };
});
