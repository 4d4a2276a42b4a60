// Single calls, measured by mitata, in one thread: `main.ts [--quick]`. Prints one line of JSON.

import { measure } from "mitata";
import { Consumer, Producer } from "zerocross";
import { now } from "../sides/clock.ts";
import { type Call, callsOn, groupSize } from "./calls.ts";

const isQuick = process.argv.includes("--quick");
/** Nanoseconds of calls, and groups of them, at least. */
const limits = isQuick
  ? { min_cpu_time: 1e6, min_samples: 16 }
  : { min_cpu_time: 300e6, min_samples: 1000 };

/** What one call took, on the average of its group. */
function timeGroup({ prepare, runGroup }: Call): number {
  prepare();
  const start = now();
  runGroup();
  return (now() - start) / groupSize;
}

async function measureCall(call: Call) {
  // Compiled before it counts.
  for (let group = 0; group < 200; group++) timeGroup(call);
  const { min, p50, p99, avg } = await measure(
    function* () {
      yield { manual: () => timeGroup(call) };
    },
    { ...limits, gc: false },
  );
  return { name: call.name, p50, p99, min, mean: avg };
}

const path = `@zerocross-micro-${process.pid}`;
const [producer, consumer] = await Promise.all([
  Producer.listen(path, { capacity: 1024 * 1024 }),
  Consumer.connect(path),
]);
const micro = [];
for (const call of callsOn(producer, consumer)) micro.push(await measureCall(call));
console.log(JSON.stringify({ micro }));
process.exit();
