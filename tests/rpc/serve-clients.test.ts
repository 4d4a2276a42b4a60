/** A server and those who come to it: in what order it tells of them, and that none is in another's way. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import {
  Consumer,
  Producer,
  RpcClient,
  RpcResponder,
  type ServeOptions,
  serve,
} from "../../src/index.ts";
import * as libc from "../peer/libc.ts";
import { connectTo } from "../peer/rendezvous.ts";
import { temporaryPaths } from "../support/folder.ts";
import { addedDescriptors, channelMappings, openDescriptors } from "../support/memory.ts";
import { bothRuntimes, startProgram } from "../support/program.ts";
import { connectCaller, newRpcName, soon, until } from "../support/rpc-in-thread.ts";

const newPath = temporaryPaths();
const patience = { timeout: 10_000 };
const echo = ({ bytes }: { bytes: Uint8Array }) => bytes;
const here = { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() };

function serveHere(options: Partial<ServeOptions> = {}) {
  return serve({ path: newPath(), handler: echo, ...options });
}

async function assertAnswers(client: RpcClient, mark = 5): Promise<void> {
  assert.deepEqual([...(await client.call(Uint8Array.of(mark), patience)).bytes], [mark]);
}

async function connectAndCall(path: string): Promise<void> {
  using client = await RpcClient.connect(path, { timeout: 5000 });
  await assertAnswers(client);
}

/** The server takes this many requests of one client before others have their turn. */
const turn = 32;

const policies = { awake: 1e6, "as it is by default": 50, asleep: 0 };

for (const [policy, spin] of Object.entries(policies)) {
  test(`a flood does not hold up 5 clients that ask once, ${policy}`, async () => {
    let flooded = 0;
    const waited: number[] = [];
    let askedAt = 0;
    let calls: Promise<unknown>[] = [];
    let onFlood: () => void = () => {};
    await using server = await serveHere({
      capacity: 65536,
      wait: { spin },
      handler: ({ bytes, typeId }) => {
        if (typeId === 1) onFlood();
        else waited.push(flooded - askedAt);
        return bytes;
      },
    });
    const { path } = server;
    using asking = await connectCaller(path, { ours: true });
    const { caller } = asking;
    const singles = await Promise.all([1, 2, 3, 4, 5].map(() => RpcClient.connect(path)));
    // As much as fits, over and over, until the singles are answered.
    const fill = () => {
      while (caller.tryReply() !== undefined);
      while (caller.tryCall(new Uint8Array(16), 1));
    };
    onFlood = () => {
      flooded += 1;
      // They ask in the middle of the flood's turn.
      if (flooded === 1000 + turn / 2) {
        askedAt = flooded;
        const options = { ...patience, typeId: 2 };
        calls = singles.map((client) => client.call(Uint8Array.of(2), options));
      }
      if (waited.length < 5 && flooded < 1e6) fill();
    };
    fill();
    assert.ok(caller.outstanding > 10 * turn);
    await until(() => calls.length > 0, "for the flood");
    await Promise.all(calls);
    onFlood = () => {};
    assert.ok(flooded < 1e6, "the flood was over before");
    // One that is asleep has to be woken first, for which the flood does not wait.
    const most = policy === "awake" ? 2 * turn : 1e5;
    assert.ok(
      waited.every((count) => count <= most),
      waited.join(" "),
    );
    for (const client of singles) client.close();
  });
}

for (const runtime of bothRuntimes) {
  test(`3 processes in ${runtime} that flood do not hold up one that asks once`, async () => {
    await using server = await serveHere({ handler: ({ bytes }) => bytes.map((byte) => byte + 1) });
    const floods = [1, 2, 3].map((seed) => {
      const args = { path: server.path, inFlight: 300, seed };
      return startProgram("rpc-caller", args, { runtime });
    });
    try {
      await until(() => server.connections === 3, "for the floods", 10_000);
      using client = await RpcClient.connect(server.path);
      const begun = performance.now();
      for (let i = 0; i < 20; i++) await client.call(Uint8Array.of(1), patience);
      const each = (performance.now() - begun) / 20;
      assert.equal(server.connections, 4);
      assert.ok(each < 100, `${each} ms each`);
    } finally {
      for (const program of floods) program.kill();
    }
    await until(() => server.connections === 0, "for all to be gone");
  });
}

// What it tells

test("onOpen comes before the first request, onClose after the last, each with its peer", async () => {
  const told: unknown[][] = [];
  await using server = await serveHere({
    onOpen: (...args) => told.push(["open", server.connections, ...args]),
    onClose: (...args) => told.push(["close", server.connections, ...args]),
    handler: ({ bytes, peer }) => {
      told.push(["request", server.connections, peer]);
      return bytes;
    },
  });
  assert.equal(server.connections, 0);
  for (let round = 0; round < 2; round++) {
    const client = await RpcClient.connect(server.path);
    await assertAnswers(client);
    assert.deepEqual(client.peer, here);
    client.close();
    await until(() => told.length === 3 * (round + 1), "for onClose");
  }
  const once = [
    ["open", 1, here],
    ["request", 1, here],
    ["close", 0, here, undefined],
  ];
  assert.deepEqual(told, [...once, ...once]);
});

for (const runtime of bothRuntimes) {
  test(`callbacks that throw are uncaught exceptions in ${runtime}, and the server goes on`, async () => {
    using program = startProgram("serve-throws", { path: newRpcName() }, { runtime });
    const said = await program.next<Record<string, unknown>>();
    assert.deepEqual(said, {
      answered: 2,
      uncaught: ["onClose 1", "onClose 2", "onError 1", "onError 2", "onOpen 1", "onOpen 2"],
    });
    assert.equal((await program.ended).code, 0);
  });
}

// Who is sent away

test("a client that authorize refuses is told so, and the server goes on", async () => {
  const asked: unknown[] = [];
  const heard: Error[] = [];
  const opened: unknown[] = [];
  let answer = false;
  await using server = await serveHere({
    authorize: (peer) => {
      asked.push(peer);
      return answer;
    },
    onError: (error) => heard.push(error),
    onOpen: (peer) => opened.push(peer),
  });
  const refused = {
    name: "WireError",
    message: /closed the connection.*may have refused this process/,
  };
  for (let i = 1; i <= 3; i++) {
    await assert.rejects(RpcClient.connect(server.path), refused);
    assert.deepEqual([asked.length, heard.length, opened.length], [i, i, 0]);
  }
  assert.deepEqual(asked[0], here);
  for (const error of heard) {
    assert.equal(error.name, "UnauthorizedError");
    assert.match(error.message, new RegExp(`pid ${process.pid}.*was sent away`));
  }
  answer = true;
  await connectAndCall(server.path);
});

test("an authorize that throws refuses, and its error goes to onError", async () => {
  const heard: unknown[] = [];
  const reason = new Error("cannot say");
  await using server = await serveHere({
    authorize: () => {
      if (heard.length < 2) throw reason;
      return true;
    },
    onError: (error) => heard.push(error),
  });
  for (let i = 0; i < 2; i++) {
    await assert.rejects(RpcClient.connect(server.path), { name: "WireError" });
  }
  assert.deepEqual(heard, [reason, reason]);
  await connectAndCall(server.path);
});

test("a client's authorize is asked about the server", async () => {
  const left: unknown[] = [];
  await using server = await serveHere({ onError: (error) => left.push(error.name) });
  const authorize = () => false;
  await assert.rejects(RpcClient.connect(server.path, { authorize }), {
    name: "UnauthorizedError",
  });
  await connectAndCall(server.path);
  assert.ok(left.length <= 1);
});

// Connectors that do not do their part

test("connectors that never read the handshake, or leave at once, hold nobody up", async () => {
  const heard: Error[] = [];
  const before = openDescriptors();
  const server = await serveHere({ onError: (error) => heard.push(error) });
  const silent = Array.from({ length: 10 }, () => connectTo(server.path, soon()));
  await connectAndCall(server.path);
  for (let i = 0; i < 30; i++) {
    libc.close(connectTo(server.path, soon()));
    // No more wait to be accepted than a listener lets wait.
    if (i % 10 === 9) await connectAndCall(server.path);
  }
  const begun = performance.now();
  await connectAndCall(server.path);
  assert.ok(performance.now() - begun < 1000);
  assert.equal(server.connections === 0 || server.connections === 1, true);
  assert.equal(heard.length, 30);
  for (const { name, message } of heard) {
    assert.equal(name, "PeerClosedError");
    assert.match(message, new RegExp(`pid ${process.pid}\\) left before it had taken the memory`));
  }
  await server.stop();
  for (const socket of silent) libc.close(socket);
  assert.deepEqual(channelMappings(), []);
  const added = addedDescriptors(before).filter((target) => /zerocross|socket/.test(target));
  assert.deepEqual(added, []);
});

// Plain channels

test("a plain channel's end that connects to a server is told that it may be an RPC endpoint", async () => {
  await using server = await serveHere();
  const told = { name: "WireError", message: /It may be an RPC endpoint/ };
  const options = { retry: false };
  await assert.rejects(Consumer.connect(server.path, options), told);
  await assert.rejects(Producer.connect(server.path, options), told);
  await connectAndCall(server.path);
});

test("a client or responder that connects to a plain channel is told that it is one", async () => {
  for (const connect of [
    (path: string) => RpcClient.connect(path),
    (path: string) => RpcResponder.connect(path),
  ]) {
    for (const wire of [2, 3, 4] as const) {
      const path = newPath();
      const stop = new AbortController();
      const listening = Consumer.listen(path, { signal: stop.signal, wire });
      await assert.rejects(connect(path), (error: Error) => {
        assert.equal(error.name, "WireError");
        assert.match(error.message, /It may be a plain channel/);
        assert.doesNotMatch(error.message, /RPC endpoint/);
        return true;
      });
      stop.abort();
      (await listening.catch(() => undefined))?.close();
    }
  }
});
