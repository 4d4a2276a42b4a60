// `idle-side.ts <waits|keeps> <consumers|clients|receive-sync> <how many> <path>`. One process waits, with
// so many channels or clients; the other keeps their other ends and does nothing. Answers, for each number
// of milliseconds that it reads, its own CPU time over them, in microseconds.

import { setTimeout as sleep } from "node:timers/promises";
import { Consumer, Producer, RpcClient, serve } from "zerocross";
import { answerLines } from "../lines.ts";

const [position = "", form = "", text = "", path = ""] = process.argv.slice(2);
const count = Number(text);
/** Small, so that a hundred channels of many processes fit into any machine. */
const capacity = 64 * 1024;
const timeout = 20_000;

/** Kept from being collected. */
const kept: unknown[] = [];
let idle: (ms: number) => Promise<unknown> = sleep;

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
  if (form === "receive-sync") idle = async (ms) => waitInVain(consumer, ms);
  else kept.push(consumer, consumer.receive());
}

function waitInVain(consumer: Consumer, timeout: number): void {
  try {
    consumer.receiveSync({ timeout });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "TimeoutError")) throw error;
  }
}

if (form === "clients") await openServer();
else await Promise.all(Array.from({ length: count }, (_, index) => openOne(`${path}-${index}`)));
console.log("ready");
await answerLines(async (line) => {
  const start = performance.now();
  const before = process.cpuUsage();
  await idle(Number(line));
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: user + system, elapsedMs: performance.now() - start };
});
