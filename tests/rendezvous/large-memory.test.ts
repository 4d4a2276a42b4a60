/** Large memory is made, taken and given back a little in each turn of the event loop. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { Consumer, FanIn, Producer, RpcClient, serve } from "../../src/index.ts";
import { temporaryPaths } from "../support/folder.ts";
import { channelMappings, channelMappingsLeft } from "../support/memory.ts";
import { within } from "../support/promises.ts";

const newPath = temporaryPaths();
const bounds = { timeout: 60_000 };
const patience = 30_000;
/** Bytes that a turn may work on at most, on average: how long each slice takes is tested in zig/rendezvous. */
const bytesPerTurn = 4 * 2 ** 20;

/** Turns of the event loop until `promise` is settled. */
async function turnsUntil(promise: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await within(promise, patience).finally(() => {
    isOver = true;
  });
  return turns;
}

test(
  "a fan-in takes and loses a client of 2 ** 28 bytes a little in each turn",
  bounds,
  async () => {
    const path = newPath();
    const capacity = 2 ** 28;
    await using inlet = await FanIn.listen(path, { capacity });
    const received = inlet.receive({ timeout: patience });
    const connecting = Producer.connect(path, { timeout: patience });
    const turns = await turnsUntil(connecting);
    assert.ok(turns > capacity / bytesPerTurn, `${turns} turns`);
    const producer = await connecting;
    assert.equal(producer.capacity, capacity);
    await producer.send(Uint8Array.of(7));
    assert.deepEqual((await received).bytes, Uint8Array.of(7));

    producer.close();
    // What is gone for the channel is not gone from memory yet, and goes.
    assert.ok(channelMappings().length > 0);
    const empty = inlet.receive({ timeout: 100 });
    await assert.rejects(empty, { name: "TimeoutError" });
    assert.deepEqual(await channelMappingsLeft(), []);
  },
);

test("a server takes clients of 2 ** 26 bytes each way in turns", bounds, async () => {
  const path = newPath();
  const capacity = 2 ** 26;
  await using _ = await serve({ path, capacity, handler: ({ bytes }) => bytes });
  const connecting = Promise.all([
    RpcClient.connect(path, { timeout: patience }),
    RpcClient.connect(path, { timeout: patience }),
  ]);
  const turns = await turnsUntil(connecting);
  assert.ok(turns > (4 * capacity) / bytesPerTurn, `${turns} turns`);
  for (const client of await connecting) {
    assert.deepEqual((await client.call(Uint8Array.of(7))).bytes, Uint8Array.of(7));
    client.close();
  }
  assert.deepEqual(await channelMappingsLeft(), []);
});

test(
  "a connector whose time is up while its memory is made is told so, and all of it goes",
  bounds,
  async () => {
    const path = newPath();
    const stop = new AbortController();
    const listening = Consumer.listen(path, { capacity: 2 ** 28, signal: stop.signal });
    const outcome = assert.rejects(listening, { name: "AbortError" });
    await assert.rejects(Producer.connect(path, { timeout: 20 }), { name: "TimeoutError" });
    stop.abort();
    await outcome;
    assert.deepEqual(await channelMappingsLeft(), []);
  },
);
