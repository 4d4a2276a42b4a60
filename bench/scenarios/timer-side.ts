// `timer-side.ts <nothing|drain|iterate> <path>`: receives on its event loop in that form. For each
// number of milliseconds that it reads it answers how far the ticks of a 10 ms timer were apart, and
// how many messages came meanwhile.

import { setTimeout as sleep } from "node:timers/promises";
import { Consumer } from "zerocross";
import { answerLines } from "../lines.ts";

const [form = "", path = ""] = process.argv.slice(2);
const intervalMs = 10;
let received = 0;

function check(first: number, last: number, size: number): void {
  if (size === 32 && first === received >>> 0 && last === first) {
    received += 1;
    return;
  }
  console.error(`message ${received} arrived with ${size} bytes, ${first} to ${last}`);
  process.exit(1);
}

async function drain(consumer: Consumer): Promise<void> {
  while (true) {
    const batch = await consumer.drain();
    if (batch === null) return;
    const { memory, length } = batch;
    for (let i = 0; i < length; i++) {
      const at = batch.offset(i);
      check(memory.getUint32(at, true), memory.getUint32(at + 28, true), batch.size(i));
    }
    batch.release();
  }
}

async function iterate(consumer: Consumer): Promise<void> {
  for await (const { bytes } of consumer) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    check(words[0] ?? -1, words[7] ?? -1, bytes.length);
  }
}

if (form !== "nothing") {
  const consumer = await Consumer.listen(path, { timeout: 20_000 });
  void (form === "drain" ? drain : iterate)(consumer);
}

await answerLines(async (line) => {
  const gaps: number[] = [];
  const before = received;
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  let last = start;
  const timer = setInterval(() => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  }, intervalMs);
  await sleep(Number(line));
  clearInterval(timer);
  const elapsedMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuBefore);
  // The first gap begins with the command, not with a tick.
  return {
    lateMs: gaps.slice(1).map((gap) => gap - intervalMs),
    received: received - before,
    elapsedMs,
    cpuUs: user + system,
  };
});
