/** Handlers that throw, or answer with what cannot be sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcClient, RpcError, serve } from "../../src/index.ts";
import { bothRuntimes } from "../support/program.ts";
import {
  connectCaller,
  newRpcName,
  openClient,
  soon,
  untilDefined,
} from "../support/rpc-in-thread.ts";
import { asks, reportOf, startServer } from "../support/rpc-server.ts";

const patience = { timeout: 10_000 };
const failed = 0xfffffffe;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const capacity = 4096;
const messageMax = capacity / 2 - 64;

function rpcError(message: string | RegExp) {
  return { name: "RpcError", code: "ERR_ZEROCROSS_RPC", message };
}

// Everything that a handler may do, and what the caller is told.

class OddError extends Error {
  override get message(): string {
    throw new Error("even this");
  }
}

const unsaid = /./;
const faults: Record<string, [handler: () => unknown, message: string | RegExp]> = {
  "throws an error": [() => raise(new Error("no such sum")), "no such sum"],
  "throws an error of another kind": [() => raise(new RangeError("too far")), "too far"],
  "throws an RpcError": [() => raise(new RpcError("from further away")), "from further away"],
  "throws a text": [() => raise("just a text"), "just a text"],
  "throws a number": [() => raise(7), "7"],
  "throws undefined": [() => raise(undefined), "undefined"],
  "throws null": [() => raise(null), "null"],
  "throws a symbol": [() => raise(Symbol("odd")), "Symbol(odd)"],
  "throws what has no text": [() => raise(Object.create(null)), unsaid],
  "throws an error whose message throws": [() => raise(new OddError()), unsaid],
  "throws an error whose message is no text": [
    () => raise(Object.assign(new Error(), { message: 12 })),
    /^(12)?$/,
  ],
  "throws an error without a message": [() => raise(new Error()), ""],
  "throws a message of more than a byte a letter": [() => raise(new Error("é€😀")), "é€😀"],
  "throws a message that begins with a mark": [() => raise(new Error("\uFEFFmark")), "\uFEFFmark"],
  "throws half a letter": [() => raise(new Error("a\uD83Db")), "a\uFFFDb"],
  "rejects with an error": [() => Promise.reject(new Error("later no")), "later no"],
  "rejects with a text": [() => Promise.reject("later text"), "later text"],
  "rejects with what has no text": [() => Promise.reject(Object.create(null)), unsaid],
  "rejects after a while": [
    () => new Promise((_, reject) => setTimeout(() => reject(new Error("much later")), 5)),
    "much later",
  ],
  "answers with nothing": [() => undefined, /^reply is undefined; expected a Uint8Array/],
  "answers with a text": [() => "text", /^reply is "text"; expected a Uint8Array/],
  "answers with a buffer": [
    () => new ArrayBuffer(3),
    /^reply is .*ArrayBuffer.*expected a Uint8Array/,
  ],
  "resolves with nothing": [async () => null, /^reply is null; expected a Uint8Array/],
  "answers with too much": [
    () => new Uint8Array(messageMax + 1),
    /1985 bytes; expected at most 1984/,
  ],
  "resolves with too much": [async () => new Uint8Array(9999), /9999 bytes; expected at most 1984/],
};

function raise(error: unknown): never {
  throw error;
}

for (const [what, [fault, message]] of Object.entries(faults)) {
  test(`a handler that ${what} fails its call, and nothing else`, async () => {
    const heard: Error[] = [];
    const closed: unknown[] = [];
    await using server = await serve({
      path: newRpcName(),
      capacity,
      handler: ({ bytes }) => (bytes.length === 0 ? (fault() as Uint8Array) : bytes),
      onError: (error) => heard.push(error),
      onClose: (_, error) => closed.push(error),
    });
    using client = await RpcClient.connect(server.path);
    const before = client.call(Uint8Array.of(1), patience);
    const calls = [1, 2].map(() => client.call(new Uint8Array(), patience));
    const after = client.call(Uint8Array.of(2), patience);
    for (const call of calls) await assert.rejects(call, rpcError(message));
    assert.deepEqual([...(await before).bytes], [1]);
    assert.deepEqual([...(await after).bytes], [2]);
    assert.equal(heard.length, 2);
    assert.ok(heard.every((error) => error instanceof Error));
    assert.deepEqual([server.connections, closed.length], [1, 0]);
  });
}

test("onError is given the very error that the handler threw, and one for anything else", async () => {
  const thrown: unknown[] = [new TypeError("mine"), "a text"];
  const heard: Error[] = [];
  await using server = await serve({
    path: newRpcName(),
    handler: () => raise(thrown[heard.length]),
    onError: (error) => heard.push(error),
  });
  using client = await RpcClient.connect(server.path);
  for (const message of ["mine", "a text"]) {
    await assert.rejects(client.call(new Uint8Array(), patience), rpcError(message));
  }
  assert.equal(heard[0], thrown[0]);
  assert.equal(heard[1]?.message, "a text");
});

const long: Record<string, string> = {
  "one byte a letter": "x".repeat(9000),
  "two bytes a letter": "é".repeat(9000),
  "three bytes a letter": "€".repeat(9000),
  "four bytes a letter": "😀".repeat(9000),
  "four bytes a letter, off by one": `x${"😀".repeat(9000)}`,
  "four bytes a letter, off by two": `xx${"😀".repeat(9000)}`,
};

for (const [name, text] of Object.entries(long)) {
  test(`a message of ${name} is cut to what fits, and not within a letter`, async () => {
    const handler = () => raise(new Error(text));
    await using server = await serve({ path: newRpcName(), capacity, handler });
    using client = await RpcClient.connect(server.path);
    const error = await client.call(new Uint8Array(), patience).catch((reason: Error) => reason);
    const { message } = error as Error;
    assert.ok(text.startsWith(message));
    const size = bytesOf(message).length;
    assert.ok(size <= messageMax && size > messageMax - 4, `${size} bytes`);
  });
}

for (const runtime of bothRuntimes) {
  for (const how of ["serve", "listen"] as const) {
    test(`a client of ${how} in ${runtime} is told, however it calls, and goes on`, async () => {
      const path = newRpcName();
      using program = startServer({ path, how }, { runtime });
      using client = RpcClient.connectSync(path, patience);
      const told: Record<number, string | RegExp> = {
        [asks.throwError]: "text – Zürich",
        [asks.throwString]: "text – Zürich",
        [asks.throwNothing]: unsaid,
        [asks.returnText]: /^reply is "text – Zürich"; expected a Uint8Array/,
        [asks.returnTooMuch]: /2097152 bytes; expected at most 524224/,
        ...(how === "serve" && { [asks.rejectLater]: "text – Zürich" }),
      };
      for (const [type, message] of Object.entries(told)) {
        const options = { ...patience, typeId: Number(type) };
        const request = bytesOf("text – Zürich");
        await assert.rejects(client.call(request, options), rpcError(message));
        assert.throws(() => client.callSync(request, options), rpcError(message));
        assert.deepEqual([...client.callSync(Uint8Array.of(4), patience).bytes], [5]);
        if (how === "serve") await reportOf(program, "error");
      }
    });
  }
}

// Strangers

test("a caller of the family gets no bytes for a call that failed, and goes on", async () => {
  await using server = await serve({
    path: newRpcName(),
    handler: ({ bytes }) => (bytes.length === 0 ? raise(new Error("no")) : bytes),
  });
  for (const ours of [false, true]) {
    using asking = await connectCaller(server.path, { ours });
    const { caller } = asking;
    for (const size of [1, 0, 2, 0]) {
      assert.ok(caller.tryCall(new Uint8Array(size)));
      const reply = await untilDefined(() => caller.tryReply(), "for a reply");
      assert.equal(reply.typeId, size === 0 ? failed : 0);
      assert.equal(reply.bytes.length, size === 0 && ours ? 2 : size);
    }
  }
});

for (const ours of [false, true]) {
  test(`0xFFFFFFFE of a callee ${ours ? "that marks failures is one" : "of the family is a type like any other"}`, async () => {
    using open = openClient({ ours });
    const { client, callee } = open;
    for (const text of ["", "not what you think"]) {
      const call = client.call(new Uint8Array(), patience);
      const id = callee.request(soon())?.correlationId ?? 0n;
      callee.answer(id, bytesOf(text), failed, soon());
      if (ours) await assert.rejects(call, rpcError(text));
      else assert.deepEqual(await call, { bytes: bytesOf(text), typeId: failed });
    }
  });
}
