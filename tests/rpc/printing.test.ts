/** What a program hears that has not said who is to hear of errors. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { FanIn, Producer, RpcClient, type ServeOptions, serve } from "../../src/index.ts";
import { within } from "../support/promises.ts";
import { newRpcName } from "../support/rpc-in-thread.ts";

/** What is printed while the test lasts. */
function printed(t: TestContext): unknown[] {
  const lines: unknown[] = [];
  t.mock.method(console, "error", (line: unknown) => lines.push(line));
  return lines;
}

const refuse = () => false;
const wrong = new Error("authorize is wrong");
const throwWrong = () => {
  throw wrong;
};

async function callOnce(options: Partial<ServeOptions>, handler: ServeOptions["handler"]) {
  await using server = await serve({ path: newRpcName(), handler, ...options });
  using client = await RpcClient.connect(server.path);
  await within(client.call(new Uint8Array()).catch(() => {}));
}

test("what a handler throws is printed, the very error", async (t) => {
  const lines = printed(t);
  const thrown = new Error("of the handler");
  await callOnce({}, () => {
    throw thrown;
  });
  await callOnce({}, () => Promise.reject(thrown));
  assert.equal(lines.length, 2);
  for (const line of lines) assert.equal(line, thrown);
});

test("what is no error is printed as one", async (t) => {
  const lines = printed(t);
  await callOnce({}, () => Promise.reject("a text"));
  assert.equal((lines[0] as Error).message, "a text");
});

test("nothing is printed where there is an onError", async (t) => {
  const lines = printed(t);
  const heard: Error[] = [];
  await callOnce({ onError: (error) => heard.push(error) }, () => {
    throw new Error("of the handler");
  });
  assert.equal(heard.length, 1);
  assert.deepEqual(lines, []);
});

test("an authorize that throws is printed, and somebody who is sent away is not", async (t) => {
  const lines = printed(t);
  const handler = () => new Uint8Array();
  for (const authorize of [refuse, throwWrong]) {
    await using server = await serve({ path: newRpcName(), authorize, handler });
    await assert.rejects(within(RpcClient.connect(server.path)), { name: "WireError" });
    const path = newRpcName();
    await using fanIn = await FanIn.listen(path, { authorize });
    const receiving = fanIn.receive();
    await assert.rejects(within(Producer.connect(path)), { name: "WireError" });
    fanIn.close();
    await assert.rejects(receiving, { name: "ClosedError" });
  }
  assert.deepEqual(lines, [wrong, wrong]);
});
