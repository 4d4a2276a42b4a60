/** Wrong arguments of request and reply: a RangeError or a TypeError, and nothing else happens. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { RpcClient, RpcResponder, serve } from "../../src/index.ts";
import { temporaryPaths } from "../support/folder.ts";
import { openClient, soon } from "../support/rpc-in-thread.ts";

const newPath = temporaryPaths();
const echo = ({ bytes }: { bytes: Uint8Array }) => bytes;
const any = (value: unknown) => value as never;

const wrongCalls: Record<
  string,
  [bytes: unknown, options: unknown, name: string, message: RegExp]
> = {
  "a text": ["text", {}, "TypeError", /request is "text"; expected a Uint8Array/],
  "no bytes": [undefined, {}, "TypeError", /request is undefined; expected a Uint8Array/],
  "a buffer": [new ArrayBuffer(4), {}, "TypeError", /request is an object \(ArrayBuffer\)/],
  "wider numbers": [new Uint16Array(4), {}, "TypeError", /request is an object \(Uint16Array\)/],
  "too many bytes": [new Uint8Array(1985), {}, "RangeError", /1985 bytes; expected at most 1984/],
  "the type of failures": [new Uint8Array(), { typeId: 0xfffffffe }, "RangeError", /0xFFFFFFFE/],
  "the type of packed records": [new Uint8Array(), { typeId: 0xffffffff }, "RangeError", /typeId/],
  "a type below 0": [new Uint8Array(), { typeId: -1 }, "RangeError", /typeId is -1/],
  "half a type": [new Uint8Array(), { typeId: 0.5 }, "RangeError", /typeId is 0.5/],
  "a type that is a text": [new Uint8Array(), { typeId: "1" }, "TypeError", /typeId is "1"/],
  "a type that is a BigInt": [new Uint8Array(), { typeId: 1n }, "TypeError", /typeId is 1/],
  "a type that is null": [new Uint8Array(), { typeId: null }, "TypeError", /typeId is null/],
  "a timeout below 0": [new Uint8Array(), { timeout: -1 }, "RangeError", /timeout is -1/],
  "a timeout that is no number": [
    new Uint8Array(),
    { timeout: "1" },
    "RangeError",
    /timeout is "1"/,
  ],
  "a timeout of NaN": [new Uint8Array(), { timeout: Number.NaN }, "RangeError", /timeout is NaN/],
  "a signal that is none": [new Uint8Array(), { signal: {} }, "TypeError", /signal is an object/],
  "options that are a number": [new Uint8Array(), 5, "TypeError", /is 5; expected an object/],
  "options that are null": [new Uint8Array(), null, "TypeError", /is null; expected an object/],
};

for (const [what, [bytes, options, name, message]] of Object.entries(wrongCalls)) {
  test(`a call with ${what} is refused and sends nothing`, async () => {
    using open = openClient();
    const { client, callee, forward } = open;
    await assert.rejects(client.call(any(bytes), any(options)), { name, message });
    assert.throws(() => client.callSync(any(bytes), any(options)), { name, message });
    assert.equal(forward.head, 0n);
    const call = client.call(Uint8Array.of(1), { timeout: 5000 });
    assert.equal(callee.request(soon())?.correlationId, 1n);
    callee.answer(1n, new Uint8Array(), 0, soon());
    await call;
  });
}

test("the limits of what a call takes are within", async () => {
  using open = openClient();
  const { client, callee } = open;
  for (const [size, typeId] of [
    [1984, 0xfffffffd],
    [0, 0],
  ] as const) {
    const call = client.call(new Uint8Array(size), { typeId, timeout: Infinity });
    const request = callee.request(soon());
    assert.deepEqual([request?.bytes.length, request?.typeId], [size, typeId]);
    callee.answer(request?.correlationId ?? 0n, new Uint8Array(), 0, soon());
    await call;
  }
});

const wrongServers: Record<string, [options: object, name: string, message: RegExp]> = {
  nothing: [{}, "TypeError", /handler is undefined; expected a function/],
  "no path": [{ handler: echo }, "TypeError", /path is undefined; expected a string/],
  "no handler": [{ path: "" }, "TypeError", /handler is undefined/],
  "an empty path": [{ path: "", handler: echo }, "RangeError", /path is empty/],
  "a path that is too long": [
    { path: "x".repeat(200), handler: echo },
    "RangeError",
    /at most 107/,
  ],
  "a handler that is none": [{ handler: 5 }, "TypeError", /handler is 5/],
  "a capacity that is no power of two": [{ capacity: 5000 }, "RangeError", /capacity is 5000/],
  "a capacity that is too small": [{ capacity: 2048 }, "RangeError", /capacity is 2048/],
  "a mode that is none": [{ mode: 0o1777 }, "RangeError", /mode is 1023/],
  "an authorize that is none": [{ authorize: "me" }, "TypeError", /authorize is "me"/],
  "a wait that is none": [{ wait: 5 }, "TypeError", /wait is 5/],
  "a spin below 0": [{ wait: { spin: -1 } }, "RangeError", /spin is -1/],
  "a signal that is none": [{ signal: "now" }, "TypeError", /signal is "now"/],
  "an onOpen that is none": [{ handler: echo, onOpen: 1 }, "TypeError", /onOpen is 1/],
  "an onClose that is none": [{ handler: echo, onClose: {} }, "TypeError", /onClose is/],
  "an onError that is none": [{ handler: echo, onError: "x" }, "TypeError", /onError is x/],
};

for (const [what, [options, name, message]] of Object.entries(wrongServers)) {
  test(`a server with ${what} is refused and listens nowhere`, async () => {
    const path = newPath();
    const given = what.includes("path") || what.startsWith("no") ? options : { path, ...options };
    await assert.rejects(serve(any(given)), { name, message });
    assert.equal(existsSync(path), false);
  });
}

test("a server that cannot bind says so, and harms nobody", async () => {
  const path = newPath();
  await using first = await serve({ path, handler: echo });
  await assert.rejects(serve({ path, handler: echo }), {
    name: "SystemError",
    errno: "EADDRINUSE",
    message: new RegExp(`process ${process.pid} is listening there`),
  });
  await assert.rejects(serve({ path: `${path}/further`, handler: echo }), { name: "SystemError" });
  using client = await RpcClient.connect(first.path);
  assert.deepEqual([...(await client.call(Uint8Array.of(1))).bytes], [1]);
});

test("serveSync refuses wrong arguments before it takes a request", async () => {
  const path = newPath();
  const connecting = RpcClient.connect(path);
  using responder = await RpcResponder.listen(path, { timeout: 5000 });
  using client = await connecting;
  const call = client.call(Uint8Array.of(1), { timeout: 5000 });
  const wrong: [handler: unknown, options: unknown, name: string][] = [
    [undefined, {}, "TypeError"],
    [5, {}, "TypeError"],
    [echo, { typeId: -1 }, "RangeError"],
    [echo, { typeId: 0xfffffffe }, "RangeError"],
    [echo, { typeId: "1" }, "TypeError"],
  ];
  for (const [handler, options, name] of wrong) {
    assert.throws(() => responder.serveSync(any(handler), any(options)), { name });
  }
  responder.serveSync(({ bytes }) => {
    // The request that was there all the time; nothing comes after it.
    setTimeout(() => responder.close(), 0);
    responder.close();
    return bytes;
  });
  await assert.rejects(call, { name: "PeerClosedError" });
  assert.throws(() => responder.serveSync(echo), { name: "ClosedError" });
});

test("a handler that closes its responder and throws ends serveSync with what it threw", async () => {
  const path = newPath();
  const connecting = RpcClient.connect(path, { timeout: 5000 });
  using responder = await RpcResponder.listen(path, { timeout: 5000 });
  using client = await connecting;
  const call = client.call(Uint8Array.of(1), { timeout: 5000 });
  const enough = new Error("enough");
  const handler = (): never => {
    responder.close();
    throw enough;
  };
  assert.throws(
    () => responder.serveSync(handler),
    (error) => error === enough,
  );
  await assert.rejects(call, { name: "PeerClosedError" });
});

test("a client and a responder refuse to listen with the older wires", async () => {
  for (const wire of [2, 3] as const) {
    const path = newPath();
    const refused = { name: "RangeError", message: new RegExp(`wire is ${wire}; expected 4`) };
    const options = { wire, timeout: 100 };
    await assert.rejects(RpcClient.listen(path, options), refused);
    await assert.rejects(RpcResponder.listen(path, options), refused);
    assert.throws(() => RpcClient.listenSync(path, options), refused);
    assert.throws(() => RpcResponder.listenSync(path, options), refused);
    assert.equal(existsSync(path), false);
  }
});
