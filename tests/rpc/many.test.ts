/** Many calls at once: whose reply is whose, what overtakes what, and full rings both ways. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcClient, type Server, serve } from "../../src/index.ts";
import { answerTo, messageAt, sizeAt } from "../peer/content.ts";
import { pause } from "../support/child.ts";
import { bothRuntimes, startProgram } from "../support/program.ts";
import {
  connectCaller,
  newRpcName,
  openClient,
  soon,
  until,
  untilDefined,
} from "../support/rpc-in-thread.ts";
import { asks, startServer } from "../support/rpc-server.ts";
import { printedSeed } from "../support/seed.ts";

const seed = printedSeed();
const patience = { timeout: 20_000 };
const typeOf = (bytes: Uint8Array) => bytes[0] ?? 0;

function serveHere(handler: Parameters<typeof serve>[0]["handler"], capacity = 65536) {
  return serve({ path: newRpcName(), handler, capacity });
}

async function assertOwnReply(client: RpcClient, index: number, sizeMax: number): Promise<void> {
  const request = messageAt(seed, index, sizeAt(seed, index, 0, sizeMax));
  const { bytes } = await client.call(request, { ...patience, typeId: index });
  assert.equal(Buffer.compare(bytes, answerTo(request)), 0, `call ${index}, seed ${seed}`);
}

const delays: Record<string, (index: number) => number> = {
  "at once": () => -1,
  "after random delays": (index) => sizeAt(seed, index, -1, 5),
};

for (const [when, delayOf] of Object.entries(delays)) {
  for (const capacity of [4096, 65536]) {
    test(`3000 calls at once are each given their own reply, ${when}, in rings of ${capacity}`, async () => {
      const finished: number[] = [];
      await using server = await serveHere(({ bytes, typeId }) => {
        const delay = delayOf(typeId);
        if (delay < 0) return answerTo(bytes);
        return new Promise((resolve) => setTimeout(() => resolve(answerTo(bytes)), delay));
      }, capacity);
      using client = await RpcClient.connect(server.path);
      const calls = Array.from({ length: 3000 }, async (_, index) => {
        await assertOwnReply(client, index, Math.min(capacity / 2 - 64, 5000));
        finished.push(index);
      });
      await Promise.all(calls);
      const inOrder = finished.every((index, at) => index === at);
      assert.equal(inOrder, when === "at once");
    });
  }
}

for (const runtime of bothRuntimes) {
  test(`3000 calls to a server in ${runtime} are each given their own reply, sync ones among them`, async () => {
    const path = newRpcName();
    using _program = startServer({ path, how: "serve", capacity: 16384 }, { runtime });
    using client = await RpcClient.connect(path);
    const calls: Promise<void>[] = [];
    for (let index = 0; index < 3000; index++) {
      const request = messageAt(seed, index, sizeAt(seed, index, 2, 2000));
      const isLater = index % 7 === 0;
      if (isLater) request.set([sizeAt(seed, index, 0, 20), 0]);
      const options = { ...patience, typeId: isLater ? asks.later : 0 };
      const check = ({ bytes }: { bytes: Uint8Array }) => {
        assert.equal(Buffer.compare(bytes, answerTo(request)), 0, `call ${index}`);
      };
      if (index % 5 === 0) check(client.callSync(request, options));
      else calls.push(client.call(request, options).then(check));
    }
    await Promise.all(calls);
  });
}

test("a slow handler does not hold up fast ones", async () => {
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await using server = await serveHere(({ bytes }) =>
    typeOf(bytes) === 1 ? released.then(() => answerTo(bytes)) : answerTo(bytes),
  );
  using client = await RpcClient.connect(server.path);
  let isOver = false;
  const slow = client.call(Uint8Array.of(1), patience).finally(() => {
    isOver = true;
  });
  for (let i = 0; i < 100; i++) await client.call(Uint8Array.of(2), patience);
  assert.equal(isOver, false);
  release();
  assert.deepEqual([...(await slow).bytes], [2]);
});

for (const runtime of bothRuntimes) {
  test(`callSync delivers the replies to async calls of a server in ${runtime} as well`, async () => {
    const path = newRpcName();
    using _program = startServer({ path, how: "serve" }, { runtime });
    using client = RpcClient.connectSync(path);
    const held = Array.from({ length: 10 }, (_, index) =>
      client.call(Uint8Array.of(index), { ...patience, typeId: asks.hold }),
    );
    for (let i = 0; i < 10; i++) {
      assert.deepEqual([...client.callSync(Uint8Array.of(i), patience).bytes], [i + 1]);
    }
    client.callSync(new Uint8Array(), { ...patience, typeId: asks.release });
    client.callSync(new Uint8Array(2), { ...patience, typeId: asks.later });
    const replies = (await Promise.all(held)).map(({ bytes }) => bytes[0]);
    assert.deepEqual(replies, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
}

// The order of the replies

for (const ours of [true, false]) {
  test(`replies come ${ours ? "as they are ready to a caller that takes that" : "in order to a caller of the family"}`, async () => {
    const resolves: (() => void)[] = [];
    await using server = await serveHere(({ bytes }) =>
      typeOf(bytes) === 0
        ? answerTo(bytes)
        : new Promise((resolve) => resolves.push(() => resolve(answerTo(bytes)))),
    );
    using asking = await connectCaller(server.path, { ours });
    const { caller } = asking;
    for (const first of [1, 0, 1, 1, 0]) assert.ok(caller.tryCall(Uint8Array.of(first)));
    await until(() => resolves.length === 3, "for the requests to be taken");
    const ids: bigint[] = [];
    const take = (count: number) =>
      until(() => {
        const reply = caller.tryReply();
        if (reply !== undefined) ids.push(reply.correlationId);
        return ids.length === count;
      }, `for ${count} replies`);
    if (ours) await take(2);
    resolves[2]?.();
    if (ours) await take(3);
    resolves[1]?.();
    if (ours) await take(4);
    // A caller of the family would break off at any id but the next.
    else assert.equal(caller.tryReply(), undefined);
    resolves[0]?.();
    await take(5);
    assert.deepEqual(ids, ours ? [2n, 5n, 4n, 3n, 1n] : [1n, 2n, 3n, 4n, 5n]);
  });
}

// Full rings

for (const capacity of [4096, 65536]) {
  const sizeMax = capacity / 2 - 64;

  test(`200 calls of the largest size both ways do not block each other in rings of ${capacity}`, async () => {
    await using server = await serveHere(({ bytes }) => answerTo(bytes), capacity);
    using client = await RpcClient.connect(server.path);
    const request = messageAt(seed, 0, sizeMax);
    const calls = Array.from({ length: 200 }, () => client.call(request, patience));
    for (const { bytes } of await Promise.all(calls)) {
      assert.equal(Buffer.compare(bytes, answerTo(request)), 0);
    }
  });

  for (const how of ["serve", "listen"] as const) {
    test(`nor do they with ${how} in another process, whose client blocks its thread, in rings of ${capacity}`, async () => {
      const path = newRpcName();
      using _program = startServer({ path, how, capacity });
      using client = RpcClient.connectSync(path);
      const request = messageAt(seed, 0, sizeMax);
      const calls: Promise<{ bytes: Uint8Array }>[] = [];
      for (let i = 0; i < 100; i++) {
        calls.push(client.call(request, patience));
        if (i % 10 === 5) calls.push(Promise.resolve(client.callSync(request, patience)));
      }
      for (const { bytes } of await Promise.all(calls)) {
        assert.equal(Buffer.compare(bytes, answerTo(request)), 0);
      }
    });
  }

  for (const ours of [true, false]) {
    test(`a ${ours ? "caller like ours" : "caller of the family"} that reads only when nothing fits any more gets all, in rings of ${capacity}`, async () => {
      await using server: Server = await serveHere(({ bytes }) => answerTo(bytes), capacity);
      using asking = await connectCaller(server.path, { ours });
      const { caller, forward, reverse } = asking;
      const request = messageAt(seed, 0, sizeMax);
      let sent = 0;
      // Both rings are full when the server takes no more: two fit into each.
      await until(() => {
        while (caller.tryCall(request)) sent++;
        return sent === 4 && reverse.head - reverse.tail === BigInt(capacity);
      }, "for both rings to be full");
      assert.equal(forward.head - forward.tail, BigInt(capacity));
      const ids: bigint[] = [];
      while (ids.length < sent) {
        const reply = await untilDefined(() => caller.tryReply(), "for a reply");
        assert.equal(Buffer.compare(reply.bytes, answerTo(request)), 0);
        ids.push(reply.correlationId);
      }
      assert.deepEqual(ids, [1n, 2n, 3n, 4n]);
    });
  }
}

test("a server takes no more of a client that does not read", async () => {
  let handled = 0;
  await using server = await serveHere(({ bytes }) => {
    handled += 1;
    return bytes;
  }, 4096);
  using asking = await connectCaller(server.path, { ours: true });
  const { caller } = asking;
  let sent = 0;
  const fill = () => {
    while (caller.tryCall(new Uint8Array(960))) sent += 1;
    return sent;
  };
  // Four replies fit, the next one waits for room, and four more requests lie in the ring.
  await until(() => fill() === 9, "for both rings to be full");
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual([handled, fill()], [5, 9]);
  for (let id = 1n; id <= 9n; id++) {
    const reply = await untilDefined(() => caller.tryReply(), "for a reply");
    assert.equal(reply.correlationId, id);
  }
});

for (const ours of [true, false]) {
  test(`replies that come late to a full ring go as soon as there is room, to ${ours ? "ours" : "the family"}`, async () => {
    const resolves: (() => void)[] = [];
    const handler = ({ bytes }: { bytes: Uint8Array }) =>
      new Promise<Uint8Array>((resolve) => {
        resolves.push(() => resolve(new Uint8Array(960).fill(typeOf(bytes))));
      });
    await using server = await serveHere(handler, 4096);
    using asking = await connectCaller(server.path, { ours });
    const { caller } = asking;
    for (let i = 1; i <= 12; i++) assert.ok(caller.tryCall(Uint8Array.of(i)));
    await until(() => resolves.length === 12, "for the requests");
    // Long enough for the server to wait for requests alone.
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const resolve of resolves) resolve();
    for (let i = 1; i <= 12; i++) {
      const reply = await untilDefined(() => caller.tryReply(), "for a reply");
      assert.deepEqual([reply.correlationId, reply.bytes[0]], [BigInt(i), i]);
    }
  });
}

test("more requests than a server handles at once are all answered in the end", async () => {
  const resolves: (() => void)[] = [];
  await using server = await serveHere(
    ({ bytes }) => new Promise((resolve) => resolves.push(() => resolve(bytes))),
  );
  using client = await RpcClient.connect(server.path);
  const count = 2500;
  const calls = Array.from({ length: count }, (_, index) =>
    client.call(Uint8Array.of(index & 255), patience),
  );
  await until(() => resolves.length >= 1024, "for as many as it takes");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(resolves.length, 1024);
  for (let released = 0; released < count; released++) {
    await until(() => resolves.length > released, "for the next request");
    resolves[released]?.();
  }
  for (const [index, { bytes }] of (await Promise.all(calls)).entries()) {
    assert.equal(bytes[0], index & 255);
  }
});

test("callSync reads when neither ring has any room left", () => {
  const path = newRpcName();
  using _program = startServer({ path, how: "serve", capacity: 4096 });
  using client = RpcClient.connectSync(path, patience);
  const request = messageAt(seed, 0, 1984);
  const calls: Promise<unknown>[] = [];
  // The thread is not let go, so that nothing reads: two replies lie there, one waits, two requests lie.
  for (let i = 0; i < 5; i++) {
    calls.push(client.call(request, patience));
    pause(30);
  }
  for (const call of calls) call.catch(() => {});
  const { bytes } = client.callSync(request, { timeout: 5000 });
  assert.equal(Buffer.compare(bytes, answerTo(request)), 0);
});

test("a client whose requests do not fit sends them in order as there is room", async () => {
  using open = openClient();
  const { client, callee, forward } = open;
  const replies = Array.from({ length: 20 }, (_, index) => {
    const bytes = new Uint8Array(960).fill(index);
    const reply = client.call(bytes, { ...patience, typeId: index });
    // It may be used again at once, sent or not.
    bytes.fill(0xee);
    return reply;
  });
  assert.equal(forward.head, 4096n);
  for (let index = 0; index < 20; index++) {
    const request = await untilDefined(() => callee.tryRequest(), "for a request");
    assert.deepEqual([request.correlationId, request.typeId], [BigInt(index + 1), index]);
    assert.ok(request.bytes.every((byte) => byte === index));
    callee.answer(request.correlationId, Uint8Array.of(index), 0, soon());
  }
  const answers = (await Promise.all(replies)).map(({ bytes }) => bytes[0]);
  assert.deepEqual(
    answers,
    Array.from({ length: 20 }, (_, index) => index),
  );
});

test("20 clients in other processes each get their own replies", async () => {
  await using server = await serveHere(({ bytes }) => answerTo(bytes), 16384);
  const clients = Array.from({ length: 20 }, (_, index) =>
    startProgram(
      "rpc-caller",
      { path: server.path, count: 200, sizeMax: 4000, seed: seed + index, inFlight: 10 },
      { runtime: bothRuntimes[index % 2] as "bun" | "deno", timeoutMs: 40_000 },
    ),
  );
  try {
    for (const client of clients) assert.deepEqual(await client.next(), { answered: 200 });
    for (const client of clients) assert.equal((await client.ended).code, 0);
  } finally {
    for (const client of clients) client.kill();
  }
  await until(() => server.connections === 0, "for the clients to be gone");
});
