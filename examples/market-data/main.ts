// Starts a market-data feed as another process, and keeps the last price and the volume-weighted
// average price (VWAP) of each symbol from its ticks, read in place, batch by batch.
//
//   npm run bun -- examples/market-data/main.ts --seconds 5

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Consumer } from "zerocross";
import { Market } from "./market.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "3" } } });
const path = `@market-data-${process.pid}`;
const feedProgram = fileURLToPath(new URL("feed.ts", import.meta.url));

const interruption = new AbortController();
process.once("SIGINT", () => interruption.abort());
const { signal } = interruption;

const market = new Market();
const feed = spawn(process.execPath, [feedProgram, path, values.seconds], {
  stdio: ["ignore", "inherit", "inherit"],
});
const feedEnded = once(feed, "exit");
try {
  using consumer = await Consumer.listen(path, { timeout: 5000, signal });
  console.log(`Process ${feed.pid} sends ticks for ${values.seconds} s.`);
  await readAll(consumer);
} catch (error) {
  if (!signal.aborted) throw error;
  console.log("Interrupted.");
} finally {
  feed.kill();
  await feedEnded;
}
market.print();
const count = `${market.received.toLocaleString("en")} ticks received, ${market.lost} lost`;
console.log(market.isComplete ? `${count}; the feed counts the same.` : `${count}.`);

async function readAll(consumer: Consumer): Promise<void> {
  let shownAt = performance.now();
  let shown = 0;
  while (true) {
    using batch = await consumer.drain(undefined, { signal });
    if (batch === null) return;
    market.read(batch);
    const now = performance.now();
    if (now - shownAt < 1000) continue;
    const rate = ((market.received - shown) / (now - shownAt)) * 1000;
    console.log(`${Math.round(rate).toLocaleString("en")} ticks/s`);
    shownAt = now;
    shown = market.received;
  }
}
