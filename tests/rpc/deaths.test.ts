/** What a side that answers gets of a client that is killed with requests under way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Request, RpcResponder, serve } from "../../src/index.ts";
import { answerTo } from "../peer/content.ts";
import { pause } from "../support/child.ts";
import { temporaryPaths } from "../support/folder.ts";
import { startProgram } from "../support/program.ts";
import { within } from "../support/promises.ts";

const newPath = temporaryPaths();
const bounds = { timeout: 20_000 };
/** More than are answered before a side looks at its peer's health. */
const published = 40;

/** A client that has published so many requests by the time it is killed, in the handler of the first. */
function startClient(path: string) {
  const client = startProgram("rpc-caller", { path, inFlight: published, sizeMax: 8 });
  let requests = 0;
  const handler = ({ bytes }: Request): Uint8Array => {
    requests += 1;
    if (requests === 1) {
      pause(300);
      client.kill();
      pause(100);
    }
    return answerTo(bytes);
  };
  return {
    handler,
    requests: () => requests,
    ended: client.ended,
    [Symbol.dispose]: () => client.kill(),
  };
}

test("serveSync answers every request that a killed client had published", bounds, async () => {
  const path = newPath();
  using client = startClient(path);
  using responder = await RpcResponder.listen(path, { timeout: 10_000 });
  assert.throws(() => responder.serveSync(client.handler), { name: "PeerDiedError" });
  assert.equal(client.requests(), published);
  await client.ended;
});

test("serve answers every request that a killed client had published", bounds, async () => {
  const path = newPath();
  const closed = Promise.withResolvers<Error | undefined>();
  using client = startClient(path);
  const onClose = (_: unknown, error?: Error) => closed.resolve(error);
  await using _server = await serve({ path, handler: client.handler, onClose });
  assert.equal((await within(closed.promise))?.name, "PeerDiedError");
  assert.equal(client.requests(), published);
  await client.ended;
});
