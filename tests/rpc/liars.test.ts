/** Peers that lie in a running RPC lose their own connection and nothing else; unusual ones lose none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CorruptError, RpcClient, RpcResponder, serve } from "../../src/index.ts";
import { answerTo } from "../peer/content.ts";
import {
  calleeLies,
  calleeStalls,
  callerLies,
  callerStalls,
  lawfulReplies,
  lawfulRequests,
  packedRpcLies,
  tailLies,
} from "../peer/rpc-lies.ts";
import { type PeerProcess, startPeer } from "../peer/start.ts";
import { states } from "../peer/wire.ts";
import { channelMappings } from "../support/memory.ts";
import { bothRuntimes, thisRuntime } from "../support/program.ts";
import { newRpcName, until } from "../support/rpc-in-thread.ts";

const patience = { timeout: 10_000 };
const bounds = { timeout: 60_000 };
const capacity = 4096;
const corrupt = (error: unknown) => error instanceof CorruptError;

/** Which harm nobody but the liar: a server answers whatever id it is asked with. */
const toothless = [...packedRpcLies, "request-twice"];
/** A callee that answers twice has answered. */
const secondReplies = ["reply-twice"];

function without<Lies extends object>(lies: Lies, names: readonly string[]): string[] {
  return Object.keys(lies).filter((name) => !names.includes(name));
}

function startLiar(path: string, role: "caller" | "callee", what: string): PeerProcess {
  const told = ["--path", path, "--as", role, "--what", what, "--capacity", capacity];
  return startPeer(["lie", ...told, ...(role === "callee" ? ["--listen"] : [])]);
}

/** Four at a time, since each is a process. */
async function forEach(names: readonly string[], body: (name: string) => Promise<void>) {
  const left = [...names];
  while (left.length > 0) await Promise.all(left.splice(0, 4).map(body));
}

test("a caller that lies to serve loses its own connection, and others go on", bounds, async () => {
  const left = new Map<number, Error | undefined>();
  await using server = await serve({
    path: newRpcName(),
    capacity,
    handler: ({ bytes }) => answerTo(bytes),
    onClose: ({ pid }, error) => left.set(pid, error),
  });
  using witness = await RpcClient.connect(server.path);
  await forEach(without({ ...callerLies, ...tailLies }, toothless), async (name) => {
    const liar = startLiar(server.path, "caller", name);
    const report = await liar.report;
    assert.ok((report.state ?? 0) >= states.fatal, name);
    await until(() => left.has(liar.pid), `for onClose about ${name}`);
    assert.ok(corrupt(left.get(liar.pid)), `${name}: ${left.get(liar.pid)}`);
    assert.deepEqual([...(await witness.call(Uint8Array.of(1), patience)).bytes], [2]);
  });
  assert.equal(server.connections, 1);
  assert.equal(channelMappings().length, 4);
});

test("a caller that lies to serveSync ends it with a CorruptError", bounds, async () => {
  for (const name of [
    "request-0",
    "head-jumps",
    "size-huge",
    "state-garbage-where-it-sends",
    "tail-beyond-head",
  ]) {
    const path = newRpcName();
    const liar = startLiar(path, "caller", name);
    using responder = RpcResponder.listenSync(path, { ...patience, capacity });
    assert.throws(() => responder.serveSync(({ bytes }) => answerTo(bytes)), corrupt, name);
    assert.throws(() => responder.serveSync(({ bytes }) => answerTo(bytes)), corrupt, name);
    assert.ok(((await liar.report).state ?? 0) >= states.fatal);
  }
});

test(
  "a callee that lies ends every call with a CorruptError, however it was made",
  bounds,
  async () => {
    const names = without({ ...calleeLies, ...tailLies }, [...packedRpcLies, ...secondReplies]);
    await forEach(names, async (name) => {
      const path = newRpcName();
      const liar = startLiar(path, "callee", name);
      using client = await RpcClient.connect(path, patience);
      const callOn = async () => {
        while (true) {
          const { bytes } = await client.call(Uint8Array.of(1), patience);
          assert.deepEqual([...bytes], [2]);
        }
      };
      await Promise.all([
        assert.rejects(callOn(), corrupt, name),
        assert.rejects(callOn(), corrupt, name),
      ]);
      assert.throws(() => client.callSync(Uint8Array.of(1), patience), corrupt, name);
      assert.ok(((await liar.report).state ?? 0) >= states.fatal, name);
    });
  },
);

test("a callee that answers twice has answered", bounds, async () => {
  const path = newRpcName();
  const liar = startLiar(path, "callee", "reply-twice");
  using client = await RpcClient.connect(path, patience);
  const calls = Array.from({ length: 5 }, async (_, index) => {
    const { bytes } = await client.call(Uint8Array.of(index), { timeout: 300 });
    assert.deepEqual([...bytes], [index + 1]);
  });
  const results = await Promise.allSettled(calls);
  // The liar takes no more requests after its lie.
  for (const result of results) {
    if (result.status === "rejected") assert.equal(result.reason.name, "TimeoutError");
  }
  assert.ok(results.filter(({ status }) => status === "fulfilled").length >= 4);
  client.close();
  await liar.report;
});

test("unusual requests are answered", bounds, async () => {
  const left: unknown[] = [];
  await using server = await serve({
    path: newRpcName(),
    capacity,
    handler: ({ bytes }) => answerTo(bytes),
    onClose: (_, error) => left.push(error),
  });
  await forEach(Object.keys(lawfulRequests), async (name) => {
    const unusual = startPeer(["lie", "--path", server.path, "--as", "caller", "--what", name]);
    assert.equal((await unusual.report).closed, false, name);
  });
  await until(() => left.length === Object.keys(lawfulRequests).length, "for onClose");
  assert.ok(left.every((error) => error === undefined));
});

test("unusual replies are taken", bounds, async () => {
  await forEach(Object.keys(lawfulReplies), async (name) => {
    const path = newRpcName();
    const unusual = startLiar(path, "callee", name);
    using client = await RpcClient.connect(path, patience);
    const callOn = async () => {
      let failures = 0;
      for (let i = 0; i < 20; i++) {
        const reply = await client.call(Uint8Array.of(i), patience).catch((error: Error) => error);
        if (reply instanceof Error) {
          assert.equal(reply.name, "RpcError");
          failures += 1;
        } else if (name !== "reply-of-the-packed-type" || reply.typeId !== 0xffffffff) {
          assert.deepEqual([...reply.bytes], [i + 1]);
        }
      }
      return failures;
    };
    const failures = await Promise.all([callOn(), callOn()]);
    const expected = name.startsWith("failure-") ? 1 : 0;
    assert.equal((failures[0] as number) + (failures[1] as number), expected, name);
    client.close();
    assert.equal((await unusual.report).closed, true);
  });
});

test("a caller that never reads its replies is in nobody's way", bounds, async () => {
  const [stall] = Object.keys(callerStalls);
  await using server = await serve({
    path: newRpcName(),
    capacity,
    handler: ({ bytes }) => answerTo(bytes),
  });
  const liar = startLiar(server.path, "caller", stall as string);
  using witness = await RpcClient.connect(server.path);
  await until(() => server.connections === 2, "for the liar");
  for (let i = 0; i < 100; i++) {
    assert.deepEqual([...(await witness.call(Uint8Array.of(1), patience)).bytes], [2]);
  }
  liar.kill();
  await until(() => server.connections === 1, "for the liar to be gone");
});

for (const stall of Object.keys(calleeStalls)) {
  test(`calls to a callee that "${stall}" time out, and end when it does`, bounds, async () => {
    const path = newRpcName();
    const liar = startLiar(path, "callee", stall);
    using client = await RpcClient.connect(path, patience);
    for (let i = 0; i < 3; i++) await client.call(Uint8Array.of(i), patience);
    await assert.rejects(client.call(new Uint8Array(), { timeout: 20 }), { name: "TimeoutError" });
    assert.throws(() => client.callSync(new Uint8Array(), { timeout: 20 }), {
      name: "TimeoutError",
    });
    // The liar goes on until the other side ends, so it is killed.
    const pending = Array.from({ length: 50 }, () => client.call(new Uint8Array(900), patience));
    const ends = Promise.all(
      pending.map((call) => assert.rejects(call, { name: "PeerDiedError" })),
    );
    liar.kill();
    await ends;
  });
}

// Strangers that do as they should

for (const runtime of bothRuntimes) {
  const kinds = { family: [], "like ours": ["--ours", "--lane", "--park"] };
  for (const [kind, flags] of Object.entries(kinds)) {
    if (kind !== "family" && runtime === thisRuntime) continue;
    test(
      `a caller ${kind} in ${runtime} is answered by serve and by serveSync`,
      bounds,
      async () => {
        const plays = ["--count", 300, "--size", "0-1900", "--inflight", 2, "--type", 0, ...flags];
        await using server = await serve({
          path: newRpcName(),
          capacity,
          handler: ({ bytes }) =>
            bytes.length % 2 === 0
              ? answerTo(bytes)
              : new Promise((resolve) => setTimeout(resolve, 0, answerTo(bytes))),
        });
        const calling = startPeer(["call", "--path", server.path, ...plays], runtime);
        const called = await calling.report;
        assert.deepEqual([called.count, called.lastId, called.closed], [300, 300, false]);
        assert.equal(called.overtaking === 0 || kind !== "family", true);
        for (const listens of [true, false]) {
          const path = newRpcName();
          const args = ["call", "--path", path, "--capacity", capacity, ...plays];
          const caller = startPeer(listens ? args : [...args, "--listen"], runtime);
          using responder = listens
            ? RpcResponder.listenSync(path, { ...patience, capacity })
            : RpcResponder.connectSync(path, patience);
          responder.serveSync(({ bytes }) => answerTo(bytes));
          assert.equal((await caller.report).count, 300);
        }
      },
    );

    test(`a callee ${kind} in ${runtime} answers call and callSync`, bounds, async () => {
      for (const listens of [true, false]) {
        const path = newRpcName();
        const args = [
          "answer",
          "--path",
          path,
          "--capacity",
          capacity,
          "--capacity-rev",
          8192,
          ...flags,
        ];
        const callee = startPeer(listens ? [...args, "--listen"] : args, runtime);
        const client = listens
          ? RpcClient.connectSync(path, patience)
          : RpcClient.listenSync(path, { ...patience, capacity });
        const calls: Promise<void>[] = [];
        for (let i = 0; i < 100; i++) {
          const request = new Uint8Array((i * 37) % 1900).fill(i);
          const check = ({ bytes }: { bytes: Uint8Array }) =>
            assert.deepEqual(bytes, answerTo(request));
          calls.push(client.call(request, patience).then(check));
          if (i % 4 === 0) check(client.callSync(request, patience));
        }
        await Promise.all(calls);
        client.close();
        const report = await callee.report;
        assert.deepEqual([report.count, report.lastId, report.closed], [125, 125, true]);
      }
    });
  }
}
