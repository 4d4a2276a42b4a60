// An HTTP server that has two worker processes render Markdown, so that a long document keeps nobody
// else waiting. A request is one `await worker.call(...)` through shared memory.
//
//   npm run bun -- examples/front/front.ts --port 3000
//   curl --data-binary @README.md http://localhost:3000/

import { once } from "node:events";
import process from "node:process";
import { parseArgs } from "node:util";
import { PeerClosedError, PeerDiedError, RpcError } from "zerocross";
import { documentSizeMax } from "./limits.ts";
import { WorkerPool } from "./worker-pool.ts";

const workerCount = 2;
const renderTimeoutMs = 2000;

const { values } = parseArgs({ options: { port: { type: "string", default: "0" } } });
const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);

await using workers = new WorkerPool(workerCount);
await Promise.race([workers.started, stopped]);
const server = Bun.serve({
  hostname: "localhost",
  port: values.port,
  maxRequestBodySize: documentSizeMax,
  routes: { "/": { POST: render } },
  fetch: () => new Response("Post Markdown to /\n", { status: 404 }),
});
console.log(`Listening on ${server.url}`);
await stopped;
console.log("Stopping.");
await server.stop();

async function render(request: Request): Promise<Response> {
  const markdown = await request.bytes();
  const worker = workers.leastBusy();
  if (worker === undefined) return new Response("No worker is up.\n", { status: 503 });
  try {
    const { bytes } = await worker.call(markdown, renderTimeoutMs);
    return new Response(bytes, {
      headers: { "content-type": "text/html; charset=utf-8", "x-worker": String(worker.pid) },
    });
  } catch (error) {
    return failure(error);
  }
}

function failure(error: unknown): Response {
  if (error instanceof RpcError) {
    return new Response(`${error.message}\n`, { status: 422 });
  }
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new Response("The worker took too long.\n", { status: 504 });
  }
  if (error instanceof PeerDiedError || error instanceof PeerClosedError) {
    return new Response("The worker ended before it had an answer.\n", { status: 502 });
  }
  throw error;
}
