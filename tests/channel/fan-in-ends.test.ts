/** How a FanIn ends, and what goes wrong around it. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { numbers } from "../../ffi/table.ts";
import { FanIn, Producer } from "../../src/index.ts";
import { openAll } from "../support/fan-in.ts";
import { temporaryPaths } from "../support/folder.ts";
import { openChannel } from "../support/in-thread.ts";
import { addedDescriptors, channelMappings, openDescriptors } from "../support/memory.ts";
import { assertTimesOut, block, isPending, rejection, within } from "../support/promises.ts";

const newPath = temporaryPaths();
const bounds = { timeout: 30_000 };
const timeout = 10_000;
const closed = { name: "ClosedError", code: "ERR_ZEROCROSS_CLOSED" };
const peerClosed = { name: "PeerClosedError" };

test("closing rejects what waits, frees the path, and tells every producer", bounds, async () => {
  using all = await openAll(newPath(), 3);
  const { fanIn, path, producers } = all;
  const sending = producers.map(async (producer) => {
    while (true) await producer.send(new Uint8Array(100_000));
  });
  for (const call of sending) call.catch(() => {});
  await isPending(Promise.race(sending));
  while (fanIn.tryReceive() !== undefined);
  const iterated = fanIn[Symbol.asyncIterator]().next();
  const pending: Promise<unknown>[] = [fanIn.receive(), fanIn.receive(), iterated];
  for (const call of pending) call.catch(() => {});
  fanIn.close();
  assert.ok(!existsSync(path));
  await Promise.all(pending.map((call) => assert.rejects(within(call), closed)));
  for (const call of sending) await assert.rejects(within(call), peerClosed);
  for (const call of [() => fanIn.tryReceive(), () => fanIn.receiveSync()])
    assert.throws(call, closed);
  await assert.rejects(within(fanIn.receive()), closed);
  assert.equal(fanIn.connections, 0);
  fanIn.close();
  await fanIn[Symbol.asyncDispose]();
  await using again = await FanIn.listen(path);
  assert.equal(again.connections, 0);
});

test(
  "a receive on a closed FanIn rejects also in a turn of the loop that is over",
  bounds,
  async () => {
    using all = await openAll(newPath(), 1);
    await all.fanIn.receive({ timeout: 0 }).catch(() => {});
    all.fanIn.close();
    await all.fanIn.receive().catch(() => {});
    block(3);
    await assert.rejects(within(all.fanIn.receive(), 1000), closed);
  },
);

test("a path where somebody listens is refused, and wrong options are", bounds, async () => {
  const path = newPath();
  await using first = await FanIn.listen(path);
  assert.equal(((await rejection(FanIn.listen(path))) as { errno?: string }).errno, "EADDRINUSE");
  assert.equal(
    ((await rejection(FanIn.listen(path, { capacity: 5 }))) as Error).name,
    "RangeError",
  );
  for (const waiting of [{ timeout: -1 }, { timeout: Number.NaN }]) {
    assert.equal(((await rejection(first.receive(waiting))) as Error).name, "RangeError");
    assert.throws(() => first.receiveSync(waiting), { name: "RangeError" });
  }
});

test("who is not welcome is sent away, and the others do not notice", bounds, async () => {
  const path = newPath();
  let asked = 0;
  const authorize = () => {
    asked += 1;
    if (asked === 2) throw new Error("the callback is wrong");
    return asked > 2;
  };
  await using fanIn = await FanIn.listen(path, { authorize });
  const receiving = fanIn.receive();
  for (let i = 0; i < 2; i++) {
    const error = (await rejection(
      Producer.connect(path, { retry: false, timeout: 2000 }),
    )) as Error;
    assert.match(error.name, /WireError|SystemError/);
  }
  using producer = await within(Producer.connect(path, { timeout }));
  producer.trySend(new Uint8Array(4));
  assert.equal((await within(receiving)).bytes.length, 4);
  assert.equal(fanIn.connections, 1);
});

test("producers that come and go leave nothing open", bounds, async () => {
  const path = newPath();
  await using fanIn = await FanIn.listen(path, { capacity: 4096 });
  const round = async () => {
    const receiving = fanIn.receive({ timeout });
    using producer = await Producer.connect(path, { timeout });
    producer.trySend(new Uint8Array(3));
    await within(receiving);
  };
  await round();
  await assertTimesOut((timeout) => fanIn.receive({ timeout }), 10);
  const before = openDescriptors();
  for (let i = 0; i < 200; i++) await round();
  await assertTimesOut((timeout) => fanIn.receive({ timeout }), 10);
  assert.equal(fanIn.connections, 0);
  assert.deepEqual(channelMappings(), []);
  assert.deepEqual(addedDescriptors(before), []);
});

test("any number may be opened and closed, one after the other", bounds, async () => {
  const name = `@zerocross-fan-in-${process.pid}`;
  for (let i = 0; i <= numbers.handleCount; i++) {
    await using fanIn = await FanIn.listen(name);
    assert.equal(fanIn.tryReceive(), undefined);
  }
  // Each would have used a handle up, and these need two.
  using channel = openChannel();
  assert.ok(channel.producer.trySend(new Uint8Array(1)));
});
