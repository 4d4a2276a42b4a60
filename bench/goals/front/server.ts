// `server.ts <mechanism|none>`: an HTTP front in Bun, with two workers behind it that it asks in turn,
// over the mechanisms of calls/. Says its port. A request is answered when the worker has answered,
// and rightly; "none" answers by itself, which is as fast as this front and its load can be.

import { type Caller, calling } from "../calls/calling.ts";
import { serveHttpOnPort } from "../calls/runtime.ts";

const [mechanism = "", ...paths] = process.argv.slice(2);
const workers: Caller[] = [];
for (const path of paths) {
  const caller = await calling[mechanism]?.(path);
  if (caller === undefined) throw new Error(`unknown mechanism ${mechanism}`);
  workers.push(caller);
}

let next = 0;
const port = serveHttpOnPort(async () => {
  const index = next++ >>> 0;
  try {
    await workers[index % workers.length]?.ask(index);
    return new Response("answered");
  } catch (error) {
    return new Response(String(error), { status: 500 });
  }
});

process.stdin.once("end", () => {
  for (const worker of workers) worker.close();
  process.exit();
});
process.stdin.resume();
console.log(port);
