/** Nothing is left that could sleep for an event loop. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { library } from "../../ffi/load.ts";
import { interest } from "../../ffi/table.ts";
import { Consumer, FanIn, Producer, RpcClient, serve } from "../../src/index.ts";
import { openChannel } from "../support/in-thread.ts";
import { within } from "../support/promises.ts";
import { newRpcName, openClient } from "../support/rpc-in-thread.ts";

const { calls } = library();
const tooMany = { code: "ERR_ZEROCROSS_TOO_MANY" };
const bounds = { timeout: 20_000 };

/** Takes every waiter, and arms something on each, until it is disposed. */
function takeAllWaiters(): Disposable {
  const taken: { waiter: number; handle: number }[] = [];
  while (true) {
    const waiter = calls.zc_waiter_open();
    if (waiter < 0) break;
    const handle = calls.zc_endpoint_open();
    const path = new TextEncoder().encode(`@zerocross-taken-${process.pid}-${waiter}`);
    assert.equal(calls.zc_endpoint_listen(handle, path, path.length, 0o600), 0);
    assert.equal(calls.zc_waiter_watch(waiter, handle, interest.connector, 0), 0);
    taken.push({ waiter, handle });
  }
  return {
    [Symbol.dispose]() {
      for (const { waiter, handle } of taken) {
        calls.zc_endpoint_close(handle);
        calls.zc_waiter_close(waiter);
      }
    },
  };
}

test("a receive that cannot sleep rejects, and a later one can", bounds, async () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  {
    using _ = takeAllWaiters();
    await assert.rejects(within(consumer.receive()), tooMany);
    const receiving = [consumer.receive(), consumer.receive()];
    for (const receive of receiving) await assert.rejects(within(receive), tooMany);
  }
  const receiving = consumer.receive();
  setTimeout(() => producer.trySend(Uint8Array.of(5)), 20);
  assert.equal((await within(receiving))?.bytes[0], 5);
});

test("a send that cannot sleep rejects", bounds, async () => {
  using channel = openChannel();
  while (channel.producer.trySend(new Uint8Array(512)));
  using _ = takeAllWaiters();
  await assert.rejects(within(channel.producer.send(new Uint8Array(512))), tooMany);
});

test("calls that cannot sleep reject, and a later one is answered", bounds, async () => {
  using pair = openClient();
  {
    using _ = takeAllWaiters();
    const calling = [pair.client.call(new Uint8Array(8)), pair.client.call(new Uint8Array(8))];
    for (const call of calling) await assert.rejects(within(call), tooMany);
  }
  await using server = await serve({ path: newRpcName(), handler: ({ bytes }) => bytes });
  using client = await RpcClient.connect(server.path);
  assert.equal((await within(client.call(Uint8Array.of(3)))).bytes[0], 3);
});

test("a listen that cannot sleep rejects, and its path is free", bounds, async () => {
  const path = newRpcName();
  {
    using _ = takeAllWaiters();
    await assert.rejects(within(Consumer.listen(path)), tooMany);
  }
  const listening = Consumer.listen(path);
  using _producer = await Producer.connect(path);
  using _consumer = await within(listening);
});

test("a server that cannot sleep says so once, and goes on accepting", bounds, async () => {
  const heard: unknown[] = [];
  using _ = takeAllWaiters();
  await using server = await serve({
    path: newRpcName(),
    wait: { spin: Infinity },
    handler: ({ bytes }) => bytes,
    onError: (error) => heard.push((error as { code?: string }).code),
  });
  // It looks again every 100 ms.
  await delay(350);
  assert.deepEqual(heard, [tooMany.code]);
  using client = await RpcClient.connect(server.path, { wait: { spin: Infinity } });
  assert.equal((await within(client.call(Uint8Array.of(7)))).bytes[0], 7);
});

test("a server closes a client for which it cannot sleep, and says why", bounds, async () => {
  using _ = takeAllWaiters();
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  await using server = await serve({
    path: newRpcName(),
    handler: ({ bytes }) => bytes,
    onError: () => {},
    onClose: (_, error) => resolve(error),
  });
  using client = await RpcClient.connect(server.path, { wait: { spin: Infinity } });
  assert.equal(((await within(promise)) as { code?: string }).code, tooMany.code);
  await assert.rejects(within(client.call(new Uint8Array())), { name: "PeerClosedError" });
});

test(
  "a receive of a FanIn that cannot sleep rejects, on the event loop and on a thread",
  bounds,
  async (t) => {
    const print = t.mock.method(console, "error", () => {});
    const path = newRpcName();
    await using fanIn = await FanIn.listen(path);
    const receiving = fanIn.receive();
    using producer = await Producer.connect(path);
    producer.trySend(Uint8Array.of(1));
    await within(receiving);
    // It goes on watching for a turn of the loop.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    {
      using _ = takeAllWaiters();
      await assert.rejects(within(fanIn.receive()), tooMany);
      assert.throws(() => fanIn.receiveSync({ timeout: 1000 }), tooMany);
      assert.equal(print.mock.callCount(), 1);
    }
    setTimeout(() => producer.trySend(Uint8Array.of(2)), 20);
    assert.equal((await within(fanIn.receive())).bytes[0], 2);
    assert.equal(fanIn.tryReceive(), undefined);
    producer.trySend(Uint8Array.of(3));
    assert.equal(fanIn.receiveSync({ timeout: 1000 }).bytes[0], 3);
  },
);
