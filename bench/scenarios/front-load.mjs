// The load on a front, in Node: `load.mjs <connections>`. For each line `<port> <ms>` that it reads it
// keeps so many connections busy for that long, and answers what came of it.

import { createInterface } from "node:readline";
import autocannon from "autocannon";
import { quantile } from "simple-statistics";

const connections = Number(process.argv[2]);

/**
 * @param {number} port
 * @param {number} ms
 */
async function load(port, ms) {
  /** @type {number[]} */
  const times = [];
  const run = autocannon({
    url: `http://127.0.0.1:${port}`,
    connections,
    duration: ms / 1000,
    expectBody: "answered",
  });
  // autocannon's own figures of latency are whole milliseconds.
  run.on("response", (_client, _status, _bytes, /** @type {number} */ time) => times.push(time));
  const { errors, non2xx, mismatches, duration } = await run;
  return {
    requests: times.length,
    perSecond: times.length / duration,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    wrong: errors + non2xx + mismatches,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [port, ms] = line.split(" ").map(Number);
  console.log(JSON.stringify(await load(port ?? 0, ms ?? 0)));
}
