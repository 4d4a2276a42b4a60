/** Calls that end before their reply: by their time, by their signal, sent or not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CallOptions, RpcClient } from "../../src/index.ts";
import { bothRuntimes } from "../support/program.ts";
import {
  type ClientAndCallee,
  newRpcName,
  openClient,
  soon,
  untilDefined,
} from "../support/rpc-in-thread.ts";
import { asks, startServer } from "../support/rpc-server.ts";

const patience = { timeout: 10_000 };
/** Fills a quarter of the smallest ring. */
const quarter = new Uint8Array(960);
/** How much later than it should a wait may end on a busy machine. */
const lateness = 1000;
const timedOut = { name: "TimeoutError", message: /^calling \(@zerocross-rpc-.*timed out/ };

async function assertRejects(call: Promise<unknown>, expected: object, after = 0): Promise<void> {
  const begun = performance.now();
  await assert.rejects(call, expected);
  const waited = performance.now() - begun;
  assert.ok(waited >= after - 1, `${waited} ms instead of ${after}`);
  assert.ok(waited < after + lateness, `${waited} ms instead of ${after}`);
}

/** That the next call, its request taken by hand, is given its own reply. */
async function assertGoesOn({ client, callee }: ClientAndCallee, mark = 42): Promise<void> {
  const reply = client.call(Uint8Array.of(mark), patience);
  const request = await untilDefined(() => callee.tryRequest(), "for the next request");
  assert.deepEqual([...request.bytes], [mark]);
  callee.answer(request.correlationId, Uint8Array.of(mark + 1), 0, soon());
  assert.deepEqual([...(await reply).bytes], [mark + 1]);
}

for (const timeout of [0, 1.5, 40]) {
  test(`a call of ${timeout} ms ends in time, and its late reply is nobody's`, async () => {
    using open = openClient();
    const { client, callee } = open;
    await assertRejects(client.call(Uint8Array.of(1), { timeout }), timedOut, timeout);
    const late = callee.tryRequest();
    assert.equal(late?.correlationId, 1n);
    // Once before the next call and once among its replies.
    const other = client.call(Uint8Array.of(2), patience);
    callee.answer(1n, Uint8Array.of(0xee), 0, soon());
    callee.answer(callee.tryRequest()?.correlationId ?? 0n, Uint8Array.of(3), 0, soon());
    assert.deepEqual([...(await other).bytes], [3]);
    await assertGoesOn(open);
  });
}

test("a late reply that comes while nothing waits is dropped by the next call", async () => {
  using open = openClient();
  const { client, callee, reverse } = open;
  await assertRejects(client.call(new Uint8Array(), { timeout: 1 }), timedOut, 1);
  callee.answer(callee.tryRequest()?.correlationId ?? 0n, Uint8Array.of(0xee), 0, soon());
  await assertGoesOn(open);
  assert.equal(reverse.tail, reverse.head);
});

test("a reply that is there when the time is up has come in time, or never comes", async () => {
  // Whichever it is, the next call is given its own.
  using open = openClient();
  const { client, callee } = open;
  for (let round = 0; round < 30; round++) {
    const call = client.call(Uint8Array.of(round), { timeout: round % 3 });
    const request = await untilDefined(() => callee.tryRequest(), "for the request");
    callee.answer(request.correlationId, Uint8Array.of(round), 0, soon());
    await call.then(
      ({ bytes }) => assert.deepEqual([...bytes], [round]),
      (error) => assert.equal(error.name, "TimeoutError"),
    );
  }
  await assertGoesOn(open);
});

test("a signal that is aborted before sends nothing", async () => {
  using open = openClient();
  const { client, forward } = open;
  const reason = new Error("not today");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(client.call(new Uint8Array(), { signal }), reason);
  assert.equal(forward.head, 0n);
  await assert.rejects(client.call(new Uint8Array(), { signal: AbortSignal.abort() }), {
    name: "AbortError",
  });
  await assertGoesOn(open);
});

const reasons: Record<string, unknown> = {
  "an error": new Error("never mind"),
  "a text": "never mind",
  "a null": null,
};

for (const [name, reason] of Object.entries(reasons)) {
  test(`a signal that is aborted once the call is sent rejects it with its reason, ${name}`, async () => {
    using open = openClient();
    const { client, callee } = open;
    const controller = new AbortController();
    const call = client.call(Uint8Array.of(1), { signal: controller.signal });
    const request = callee.request(soon());
    controller.abort(reason);
    await call.then(
      () => assert.fail("it resolved"),
      (error) => assert.equal(error, reason),
    );
    callee.answer(request?.correlationId ?? 0n, Uint8Array.of(0xee), 0, soon());
    await assertGoesOn(open);
  });
}

const ends: Record<string, () => { options: CallOptions; expected: object }> = {
  "its time": () => ({ options: { timeout: 20 }, expected: timedOut }),
  "its signal": () => {
    const reason = new Error("never mind");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 20);
    return { options: { signal: controller.signal }, expected: reason };
  },
};

for (const [name, end] of Object.entries(ends)) {
  test(`a call that ends by ${name} before there was room is never sent`, async () => {
    using open = openClient();
    const { client, callee } = open;
    const replies = [0, 1, 2, 3].map(() => client.call(quarter, patience));
    const { options, expected } = end();
    const unsent = client.call(
      quarter.map(() => 0xee),
      options,
    );
    const after = client.call(Uint8Array.of(7), patience);
    await assertRejects(unsent, expected, 19);
    for (let id = 1n; id <= 5n; id++) {
      const request = await untilDefined(() => callee.tryRequest(), "for a request");
      assert.equal(request.correlationId, id);
      assert.deepEqual([...request.bytes], id === 5n ? [7] : [...quarter]);
      callee.answer(id, new Uint8Array(), 0, soon());
    }
    await Promise.all([...replies, after]);
    await assertGoesOn(open);
  });
}

test("a call that waits behind one that gave up goes as soon as there is room for it alone", async () => {
  using open = openClient();
  const { client, callee, forward } = open;
  const most = new Uint8Array(4096 / 2 - 64);
  const sent = [1, 2].map(() => client.call(most, patience));
  const large = client.call(most, { timeout: 30 });
  const small = client.call(Uint8Array.of(7), patience);
  // Half the ring is free, where the large one would still not fit if it were one line larger.
  await assertRejects(large, timedOut, 29);
  const request = callee.tryRequest();
  assert.equal(request?.correlationId, 1n);
  const head = forward.head;
  await untilDefined(() => (forward.head > head ? true : undefined), "for the small one");
  for (const id of [1n, 2n]) {
    if (id > 1n) callee.tryRequest();
    callee.answer(id, new Uint8Array(), 0, soon());
  }
  const third = await untilDefined(() => callee.tryRequest(), "for the small one");
  callee.answer(third.correlationId, Uint8Array.of(8), 0, soon());
  assert.deepEqual([...(await small).bytes], [8]);
  await Promise.all(sent);
});

test("callSync that finds no room in time sends nothing", async () => {
  using open = openClient();
  const { client, callee, forward } = open;
  const sent = [0, 1, 2, 3].map(() => client.call(quarter, patience));
  for (const timeout of [0, 1.5, 40]) {
    const begun = performance.now();
    assert.throws(() => client.callSync(quarter, { timeout }), timedOut);
    const waited = performance.now() - begun;
    assert.ok(waited >= timeout && waited < timeout + lateness, `${waited} ms, not ${timeout}`);
  }
  assert.equal(forward.head, 4096n);
  for (let id = 1n; id <= 4n; id++) {
    assert.equal(callee.tryRequest()?.correlationId, id);
    callee.answer(id, new Uint8Array(), 0, soon());
  }
  await Promise.all(sent);
  await assertGoesOn(open);
});

for (const runtime of bothRuntimes) {
  test(`callSync times out, and the next is given its own reply by a server in ${runtime}`, async () => {
    const path = newRpcName();
    using _program = startServer({ path, how: "serve" }, { runtime });
    using client = RpcClient.connectSync(path, patience);
    client.callSync(new Uint8Array(1), patience);
    const sizes = [2, 4, 5000];
    for (const [index, size] of sizes.entries()) {
      const ask = new Uint8Array(size);
      ask[0] = 60;
      const begun = performance.now();
      assert.throws(() => client.callSync(ask, { timeout: 20, typeId: asks.later }), timedOut);
      const waited = performance.now() - begun;
      assert.ok(waited >= 20 && waited < 20 + lateness, `${waited} ms`);
      // The late reply comes while this one is waited for.
      ask[0] = 90;
      ask[1] = 0;
      const { bytes } = client.callSync(ask, { ...patience, typeId: asks.later });
      assert.deepEqual([bytes.length, bytes[0]], [size, 91]);
      assert.deepEqual([...client.callSync(Uint8Array.of(index), patience).bytes], [index + 1]);
    }
  });
}

test("a call that is over leaves nothing on its signal", async () => {
  using open = openClient();
  const { client, callee } = open;
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners += 1;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners -= 1;
    removeEventListener.apply(signal, args);
  };
  const calls = [1, 2, 3].map(() => client.call(quarter, { signal, timeout: 10_000 }));
  assert.equal(listeners, 3);
  for (let id = 1n; id <= 3n; id++) {
    callee.tryRequest();
    callee.answer(id, new Uint8Array(), 0, soon());
  }
  await Promise.all(calls);
  assert.equal(listeners, 0);
  await assertRejects(client.call(quarter, { signal, timeout: 1 }), timedOut, 1);
  assert.equal(listeners, 0);
  const last = client.call(quarter, { signal });
  client.close();
  await assert.rejects(last, { name: "ClosedError" });
  assert.equal(listeners, 0);
});
