/** A call and its reply: whoever listens, under either runtime, however the call is made. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { type CallOptions, type Message, RpcClient, serve } from "../../src/index.ts";
import { answerTo, checksum, checksumStart, messageAt } from "../peer/content.ts";
import { temporaryPaths } from "../support/folder.ts";
import { bothRuntimes } from "../support/program.ts";
import { connectCaller, newRpcName, openClient, soon } from "../support/rpc-in-thread.ts";
import {
  asks,
  type Description,
  type RpcServerArguments,
  startServer,
} from "../support/rpc-server.ts";

const newPath = temporaryPaths();
const patience = { timeout: 10_000 };
const capacity = 65536;
const maxMessageSize = capacity / 2 - 64;
const sizes = [0, 1, 31, 32, 33, 64, 4095, 4096, 4097, maxMessageSize];
const replyType = 77;

type Call = (client: RpcClient, bytes: Uint8Array, options?: CallOptions) => Promise<Message>;

const calls: Record<string, Call> = {
  call: (client, bytes, options) => client.call(bytes, { ...patience, ...options }),
  callSync: async (client, bytes, options) => client.callSync(bytes, { ...patience, ...options }),
};

/** A client of the server in another process, whichever of the two listens. */
function meet(args: RpcServerArguments): RpcClient {
  const { path, how } = args;
  if (how === "connect") return RpcClient.listenSync(path, { ...patience, capacity });
  return RpcClient.connectSync(path, patience);
}

for (const runtime of bothRuntimes) {
  for (const how of ["serve", "listen", "connect"] as const) {
    for (const spin of [undefined, 0, null]) {
      const policy = spin === undefined ? "default" : spin === 0 ? "asleep" : "spinning";
      test(`every size is answered by ${how} in ${runtime} (${policy}), with its type and peer`, async () => {
        const typeId = how === "serve" ? 0 : replyType;
        const waiting = spin === undefined ? {} : { spin };
        const args = { path: newPath(), how, capacity, typeId, ...waiting };
        using program = startServer(args, { runtime });
        using client = meet(args);
        assert.equal(client.peer.pid, program.pid);
        for (const [name, call] of Object.entries(calls)) {
          for (const [index, size] of sizes.entries()) {
            const request = messageAt(3, index, size);
            const reply = await call(client, request, { typeId: index });
            assert.equal(
              Buffer.compare(reply.bytes, answerTo(request)),
              0,
              `${name}, ${size} bytes`,
            );
            assert.equal(reply.typeId, typeId);
          }
          const reply = await call(client, new Uint8Array(5), { typeId: asks.describe });
          const found = JSON.parse(new TextDecoder().decode(reply.bytes)) as Description;
          assert.equal(found.typeId, asks.describe);
          assert.equal(found.size, 5);
          assert.equal(found.peer.pid, process.pid);
          assert.equal(found.peer.uid, process.geteuid?.());
          const last = await call(client, Uint8Array.of(9), { typeId: 0xfffffffd });
          assert.deepEqual([...last.bytes], [10]);
        }
      });
    }

    test(`what ${how} in ${runtime} is asked and answers are copies`, async () => {
      const args = { path: newPath(), how, capacity };
      using _program = startServer(args, { runtime });
      using client = meet(args);
      let sum = checksumStart;
      const replies: [reply: Uint8Array, request: Uint8Array][] = [];
      const all = Object.values(calls);
      // More than the ring holds, in sizes that come again and in sizes that do not.
      for (let i = 0; i < 60; i++) {
        const request = messageAt(4, i, i < 30 ? 40 : i * 60);
        const call = all[i % 2] as Call;
        const under = request.slice();
        const promise = call(client, under, { typeId: asks.keep });
        under.fill(0xee);
        const { bytes } = await promise;
        replies.push([bytes, request]);
        sum = checksum(sum, request);
      }
      for (const [reply, request] of replies) {
        assert.equal(Buffer.compare(reply, answerTo(request)), 0);
        assert.equal(reply.byteLength, reply.buffer.byteLength);
      }
      const { bytes } = client.callSync(new Uint8Array(), { typeId: asks.kept, ...patience });
      assert.deepEqual([...new Uint32Array(bytes.slice().buffer)], [60, sum]);
    });
  }
}

test("a reply may be as large as fits, to a request of no bytes", async () => {
  for (const how of ["serve", "listen"] as const) {
    const args = { path: newPath(), how, capacity };
    using _program = startServer(args);
    using client = meet(args);
    for (const call of Object.values(calls)) {
      for (const size of [maxMessageSize, 4097, 0, maxMessageSize]) {
        const ask = new Uint8Array(5);
        new DataView(ask.buffer).setUint32(0, size, true);
        ask[4] = size % 251;
        const { bytes } = await call(client, ask, { typeId: asks.large });
        assert.equal(bytes.length, size);
        assert.ok(bytes.every((byte) => byte === size % 251));
      }
    }
  }
});

test("ids begin at 1 and go up by 1, and a request lies in the ring as the wire says", async () => {
  using open = openClient();
  const { client, callee, forward } = open;
  for (let id = 1n; id <= 3n; id++) {
    const reply = client.call(Uint8Array.of(7, 8, 9), { typeId: 5, ...patience });
    const at = 768 + 128 * (Number(id) - 1);
    assert.deepEqual(
      [0, 4, 8].map((field) => forward.view.getUint32(at + field, true)),
      [3, 5, 128],
    );
    assert.equal(forward.view.getBigUint64(at + 16, true), id);
    assert.deepEqual([...forward.bytes.slice(at + 64, at + 67)], [7, 8, 9]);
    const request = callee.request(soon());
    assert.deepEqual([request?.correlationId, request?.typeId], [id, 5]);
    assert.ok(callee.answer(id, Uint8Array.of(1), 6, soon()));
    assert.deepEqual(await reply, { bytes: Uint8Array.of(1), typeId: 6 });
  }
});

test("the sync and the async calls of a client share their ids", async () => {
  using open = openClient();
  const { client, callee } = open;
  void client.call(new Uint8Array(), patience).catch(() => {});
  assert.throws(() => client.callSync(new Uint8Array(), { timeout: 1 }), { name: "TimeoutError" });
  void client.call(new Uint8Array(), patience).catch(() => {});
  const ids = [1, 2, 3].map(() => callee.tryRequest()?.correlationId);
  assert.deepEqual(ids, [1n, 2n, 3n]);
});

test("a client declares before its first call what it takes, and a server what it marks", async () => {
  using open = openClient();
  assert.equal(open.reverse.consumerAbilities & 5, 5);
  assert.equal(open.forward.producerAbilities & 4, 0);
  await using server = await serve({ path: newRpcName(), handler: ({ bytes }) => bytes });

  using asking = await connectCaller(server.path);
  assert.equal(asking.reverse.producerAbilities & 4, 4);
  assert.equal(asking.forward.consumerAbilities & 5, 0);
});
