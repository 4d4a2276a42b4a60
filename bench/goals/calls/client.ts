// The calling event loop of a mechanism: `client.ts <mechanism> <path> <in flight>`. For each number
// that it reads from its standard input it makes so many calls and answers the nanoseconds they took.

import { createInterface } from "node:readline";
import { calling } from "./calling.ts";

const [mechanism = "", path = "", inFlight = "1"] = process.argv.slice(2);
const caller = await calling[mechanism]?.(path);
if (caller === undefined) throw new Error(`unknown mechanism ${mechanism}`);
const { ask, check } = caller;

async function oneByOne(count: number): Promise<void> {
  for (let index = 0; index < count; index++) check(await ask(index), index);
}

/** As many calls are under way at any time, each answered before its place is taken by the next. */
async function manyAtOnce(count: number, places: number): Promise<void> {
  let next = 0;
  const place = async () => {
    while (next < count) {
      const index = next++;
      check(await ask(index), index);
    }
  };
  await Promise.all(Array.from({ length: places }, place));
}

const places = Number(inFlight);
for await (const line of createInterface({ input: process.stdin })) {
  // Both loops are awake before the clock starts.
  await ask(0);
  const start = performance.now();
  await (places === 1 ? oneByOne(Number(line)) : manyAtOnce(Number(line), places));
  console.log(Math.round((performance.now() - start) * 1e6));
}
caller.close();
process.exit();
