/** How a server ends: what was asked is answered, nobody new comes in, and the path is free at once. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { RpcClient, type ServeOptions, type Server, serve } from "../../src/index.ts";
import { temporaryPaths } from "../support/folder.ts";
import { bothRuntimes } from "../support/program.ts";
import { connectCaller, newRpcName, until, untilDefined } from "../support/rpc-in-thread.ts";
import { asks, reportOf, startServer } from "../support/rpc-server.ts";

const newPath = temporaryPaths();
const patience = { timeout: 10_000 };
const closed = { name: "PeerClosedError", code: "ERR_ZEROCROSS_PEER_CLOSED" };
const echo = ({ bytes }: { bytes: Uint8Array }) => bytes;
const spins = [undefined, 0, 1000];

function serveHere(options: Partial<ServeOptions> = {}): Promise<Server> {
  return serve({ path: newPath(), handler: echo, ...options });
}

/** A handler that answers when it is told, and how many requests it has by now. */
function heldHandler() {
  const held: (() => void)[] = [];
  const handler = ({ bytes }: { bytes: Uint8Array }) =>
    new Promise<Uint8Array>((resolve) => held.push(() => resolve(bytes)));
  return { held, handler };
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setTimeout(() => resolve("not yet"), 5));
  return (await Promise.race([promise.catch(() => {}), turn])) !== "not yet";
}

for (const spin of spins) {
  const wait = spin === undefined ? {} : { wait: { spin } };
  const policy = spin === undefined ? "" : ` (spin ${spin})`;

  test(`stop frees the path at once, and closes clients that ask nothing${policy}`, async () => {
    const left: unknown[] = [];
    const onClose = (...args: unknown[]) => left.push(args[1]);
    const server = await serveHere({ ...wait, onClose });
    using idle = await RpcClient.connect(server.path);
    using used = await RpcClient.connect(server.path);
    await used.call(new Uint8Array(3), patience);
    await until(() => server.connections === 2, "for both clients");
    // Long enough for the event loop to have handed its waiting over.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const stopped = server.stop();
    assert.equal(existsSync(server.path), false);
    assert.throws(() => RpcClient.connectSync(server.path, { retry: false }), {
      name: "SystemError",
    });
    await stopped;
    assert.equal(server.connections, 0);
    assert.deepEqual(left, [undefined, undefined]);
    for (const client of [idle, used]) {
      await assert.rejects(client.call(new Uint8Array(), patience), closed);
      assert.throws(() => client.callSync(new Uint8Array(), patience), closed);
    }
    // The path may be used again.
    await using _next = await serve({ path: server.path, handler: echo });
  });

  test(`stop answers what was asked, also by handlers that take their time${policy}`, async () => {
    const { held, handler } = heldHandler();
    const server = await serveHere({ handler, ...wait });
    using client = await RpcClient.connect(server.path);
    const calls = [1, 2, 3].map((first) => client.call(Uint8Array.of(first), patience));
    await until(() => held.length === 3, "for the requests");
    await new Promise((resolve) => setTimeout(resolve, 20));
    const stopped = server.stop();
    assert.equal(await isSettled(stopped), false);
    for (const [index, resolve] of held.entries()) {
      assert.equal(server.connections, 1);
      resolve();
      assert.deepEqual([...(await (calls[index] as (typeof calls)[0])).bytes], [index + 1]);
    }
    await stopped;
    assert.equal(server.connections, 0);
    await assert.rejects(client.call(new Uint8Array(), patience), closed);
  });

  test(`stop answers what lay in the ring, and what a full ring of replies held up${policy}`, async () => {
    let count = 0;
    const handler = ({ bytes }: { bytes: Uint8Array }) => {
      count += 1;
      return bytes;
    };
    const server = await serveHere({ handler, capacity: 4096, ...wait });
    using asking = await connectCaller(server.path);
    const { caller } = asking;
    const request = new Uint8Array(960);
    // Four fit into either ring.
    let sent = 0;
    await until(() => {
      if (caller.tryCall(request)) sent += 1;
      return sent === 8 && count >= 4;
    }, "for two full rings");
    const stopped = server.stop();
    assert.equal(await isSettled(stopped), false);
    for (let id = 1n; id <= 8n; id++) {
      const reply = await untilDefined(() => caller.tryReply(), "for a reply");
      assert.equal(reply.correlationId, id);
    }
    await stopped;
    assert.equal(count, 8);
    assert.equal(caller.state, 3);
  });

  test(`a client that goes on asking does not keep a server from stopping${policy}`, async () => {
    const server = await serveHere({ capacity: 4096, ...wait });
    using client = await RpcClient.connect(server.path);
    let answered = 0;
    let failure: unknown;
    const askOn = async () => {
      try {
        while (true) {
          await client.call(new Uint8Array(8), patience);
          answered += 1;
        }
      } catch (error) {
        failure = error;
      }
    };
    const asking = [1, 2, 3, 4].map(askOn);
    await until(() => answered > 100, "for the client to ask");
    const before = answered;
    await server.stop();
    await Promise.all(asking);
    assert.throws(() => {
      throw failure;
    }, closed);
    // A ring of 4096 bytes holds 32 such requests; each may be followed by one more a turn.
    assert.ok(answered - before <= 64 + 4, `${answered - before} more calls`);
  });
}

test("nor does one that has filled its ring again whenever it is looked at", async () => {
  let answered = 0;
  let onRequest: () => void = () => {};
  const handler = ({ bytes }: { bytes: Uint8Array }) => {
    answered += 1;
    onRequest();
    return bytes;
  };
  const server = await serveHere({ handler, capacity: 4096 });
  using asking = await connectCaller(server.path, { ours: true });
  const { caller } = asking;
  onRequest = () => {
    while (caller.tryReply() !== undefined);
    while (answered < 1e6 && caller.tryCall(new Uint8Array(16)));
  };
  onRequest();
  await until(() => answered > 1000, "for the flood");
  const before = answered;
  await server.stop();
  assert.ok(answered - before <= 64, `${answered - before} more requests`);
});

test("a client that reads none of its replies is dropped by a server that stops, after 5 s", async () => {
  let answered = 0;
  const left: unknown[] = [];
  const handler = ({ bytes }: { bytes: Uint8Array }) => {
    answered += 1;
    return bytes;
  };
  const onClose = (...args: unknown[]) => left.push((args[1] as Error | undefined)?.name);
  const server = await serveHere({ handler, capacity: 4096, onClose });
  using asking = await connectCaller(server.path, { ours: true });
  // The ring holds 32 replies of this size; the next one finds no room.
  await until(() => {
    while (asking.caller.tryCall(new Uint8Array(16)));
    return answered > 32;
  }, "for a full ring of replies");
  const begun = performance.now();
  await server.stop();
  const waited = performance.now() - begun;
  assert.ok(waited > 4900 && waited < 9000, `${waited} ms`);
  assert.deepEqual(left, ["TimeoutError"]);
});

test("a client is noticed to have gone while as many of its requests wait as may", async () => {
  const { handler, held } = heldHandler();
  const left: unknown[] = [];
  const onClose = (...args: unknown[]) => left.push(args[1]);
  await using server = await serveHere({ handler, onClose });
  const client = await RpcClient.connect(server.path);
  const calls = Array.from({ length: 1100 }, () => client.call(new Uint8Array(8), patience));
  const ended = Promise.allSettled(calls);
  await until(() => held.length === 1024, "for the server to take no more");
  client.close();
  await until(() => server.connections === 0, "for the server to notice");
  assert.deepEqual(left, [undefined]);
  await ended;
});

test("stop twice is stop once", async () => {
  const { held, handler } = heldHandler();
  const server = await serveHere({ handler });
  using client = await RpcClient.connect(server.path);
  const call = client.call(new Uint8Array(), patience);
  await until(() => held.length === 1, "for the request");
  const first = server.stop();
  const second = server.stop();
  held[0]?.();
  await Promise.all([first, second, call]);
  await server.stop();
});

test("a server may be stopped from within its handler, which is still answered", async () => {
  for (const when of ["at once", "later", "throws"]) {
    let stopped: Promise<void> | undefined;
    const server = await serveHere({
      handler: ({ bytes }) => {
        stopped = server.stop();
        if (when === "throws") throw new Error("stopped");
        return when === "later" ? new Promise((resolve) => setTimeout(resolve, 5, bytes)) : bytes;
      },
    });
    using client = await RpcClient.connect(server.path);
    const calls = [1, 2, 3].map((first) => client.call(Uint8Array.of(first), patience));
    for (const [index, call] of calls.entries()) {
      if (when === "throws") await assert.rejects(call, { name: "RpcError", message: "stopped" });
      else assert.deepEqual([...(await call).bytes], [index + 1]);
    }
    await stopped;
    assert.equal(server.connections, 0);
  }
});

test("a server may be stopped from within onOpen and onClose", async () => {
  for (const callback of ["onOpen", "onClose"] as const) {
    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped = server.stop();
    };
    const server = await serveHere({ [callback]: stop });
    const client = await RpcClient.connect(server.path);
    if (callback === "onClose") client.close();
    await until(() => stopped !== undefined, "for the callback");
    await stopped;
    assert.equal(server.connections, 0);
    client.close();
  }
});

test("a server may be stopped before anybody came, and in the middle of a handshake", async () => {
  const server = await serveHere();
  const connecting = RpcClient.connect(server.path, { retry: false, timeout: 2000 });
  await server.stop();
  await assert.rejects(connecting, (error: Error) => {
    return ["WireError", "SystemError", "TimeoutError"].includes(error.name);
  });
  await (await serveHere()).stop();
});

test("an aborted signal stops a server, and one that is aborted already keeps it from starting", async () => {
  const controller = new AbortController();
  const left: unknown[] = [];
  const { signal } = controller;
  const server = await serveHere({ signal, onClose: (...args) => left.push(args[1]) });
  using client = await RpcClient.connect(server.path);
  await client.call(new Uint8Array(), patience);
  controller.abort();
  assert.equal(existsSync(server.path), false);
  await server.stop();
  assert.deepEqual(left, [undefined]);
  await assert.rejects(client.call(new Uint8Array(), patience), closed);
  const path = newPath();
  const reason = new Error("too late");
  await assert.rejects(serve({ path, handler: echo, signal: AbortSignal.abort(reason) }), reason);
  assert.equal(existsSync(path), false);
});

test("`await using` stops a server", async () => {
  let path = "";
  using client = await (async () => {
    await using server = await serveHere();
    path = server.path;
    const connected = await RpcClient.connect(path);
    await connected.call(new Uint8Array(), patience);
    return connected;
  })();
  assert.equal(existsSync(path), false);
  await assert.rejects(client.call(new Uint8Array(), patience), closed);
});

for (const runtime of bothRuntimes) {
  test(`a server in ${runtime} that stops answers the calls of another process first`, async () => {
    const path = newRpcName();
    using program = startServer({ path, how: "serve" }, { runtime });
    using client = RpcClient.connectSync(path, patience);
    const calls = Array.from({ length: 50 }, (_, index) =>
      client.call(Uint8Array.of(20 + index, 0), { ...patience, typeId: asks.later }),
    );
    // What was sent before is taken before.
    client.callSync(new Uint8Array(), patience);
    program.tell();
    const replies = (await Promise.all(calls)).map(({ bytes }) => bytes[0]);
    assert.deepEqual(
      replies,
      calls.map((_, index) => 21 + index),
    );
    const { error } = await reportOf(program, "closed");
    assert.equal(error, undefined);
    await reportOf(program, "ended");
    assert.deepEqual(await program.ended, { code: 0, signal: null, errors: "" });
    assert.throws(() => client.callSync(new Uint8Array(), patience), closed);
  });

  test(`a responder in ${runtime} may close from within its handler`, async () => {
    const path = newRpcName();
    using program = startServer({ path, how: "listen" }, { runtime });
    using client = RpcClient.connectSync(path, patience);
    client.callSync(new Uint8Array(), patience);
    const pending = [asks.close, 0].map((typeId) =>
      client.call(new Uint8Array(), { ...patience, typeId }),
    );
    await Promise.all(pending.map((call) => assert.rejects(call, closed)));
    assert.equal((await reportOf(program, "closed")).error, undefined);
    assert.equal((await program.ended).code, 0);
  });
}
