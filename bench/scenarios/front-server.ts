// `front-server.ts <mechanism|none> <workers> <path prefix>`: an HTTP front in Bun, with workers behind it
// that it asks in turn, over a mechanism of the race. Says its port. A request is answered when the worker
// has answered, and rightly; "none" answers by itself, which is as fast as this front and its load can be.

import { First } from "../race/sides/first-side.ts";
import type { Mechanism } from "../race/sides/mechanism.ts";
import { mechanisms } from "../race/sides/mechanisms.ts";
import { serveHttp } from "../race/sides/runtime.ts";

const [name = "none", workerCount = "0", prefix = ""] = process.argv.slice(2);
const size = 32;
/** More than there are requests under way: only then is a payload's memory used again. */
const underWay = 256;

/** Resolves when a worker has answered, and rightly. */
type Ask = () => Promise<void>;

async function openWorker(mechanism: Mechanism, worker: number): Promise<Ask> {
  const whenLost = (error: unknown) => {
    throw error;
  };
  const own = { name, mechanism, core: "-", prefix: `${prefix}-${worker}`, whenLost };
  const first = await First.open(own);
  const caller = await first.callerOf(size);
  const payload = caller.payload(size, { isWhole: false, underWay });
  let next = 0;
  return async () => {
    const index = next++ >>> 0;
    payload.check(await caller.call(payload.make(index)), index);
  };
}

const mechanism = await mechanisms[name]?.();
const workers: Ask[] = [];
for (let worker = 0; mechanism !== undefined && worker < Number(workerCount); worker++) {
  workers.push(await openWorker(mechanism, worker));
}

let turn = 0;
const port = serveHttp(undefined, async () => {
  try {
    await workers[turn++ % workers.length]?.();
    return new Response("answered");
  } catch (error) {
    return new Response(String(error), { status: 500 });
  }
});

process.stdin.once("end", () => process.exit());
process.stdin.resume();
console.log(port);
