/** Listening and connecting without blocking the event loop. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { Consumer, FanIn, type Peer, Producer } from "../../src/index.ts";
import { Deadline } from "../peer/deadline.ts";
import { closeListener, openListener } from "../peer/rendezvous.ts";
import { temporaryPaths } from "../support/folder.ts";
import { openChannel } from "../support/in-thread.ts";
import { addedDescriptors, channelMappings, openDescriptors } from "../support/memory.ts";
import {
  assertTimesOut,
  CountingController,
  isPending,
  rejection,
  watchTimers,
  within,
} from "../support/promises.ts";

const newPath = temporaryPaths();
const newName = () => `@zerocross-meeting-${process.pid}-${names++}`;
let names = 0;
const bounds = { timeout: 30_000 };
const here: Peer = {
  pid: process.pid,
  uid: process.geteuid?.() ?? -1,
  gid: process.getegid?.() ?? -1,
};
const kinds = { Producer, Consumer };
const others = { Producer: Consumer, Consumer: Producer };

function assertNothingAdded(before: string[]): void {
  const sockets = addedDescriptors(before).filter((target) => /socket:|memfd/.test(target));
  assert.deepEqual(sockets, []);
  assert.deepEqual(channelMappings(), []);
}

for (const kind of ["Producer", "Consumer"] as const) {
  test(
    `${kind}.listen waits for a connector without blocking, and the path is gone when it resolves`,
    bounds,
    async () => {
      for (const path of [newPath(), newName()]) {
        const timers = watchTimers();
        const listening = kinds[kind].listen(path, { capacity: 8192 });
        assert.ok(await isPending(listening, 30));
        assert.ok(timers.ticks() >= 1);
        using connected = await within<Producer | Consumer>(others[kind].connect(path));
        using end = await within<Producer | Consumer>(listening);
        assert.ok(!existsSync(path));
        for (const one of [end, connected]) {
          assert.deepEqual(one.peer, here);
          assert.equal(one.capacity, 8192);
        }
        const [producer, consumer] = (
          kind === "Producer" ? [end, connected] : [connected, end]
        ) as [Producer, Consumer];
        const receiving = consumer.receive();
        await producer.send(Uint8Array.of(1, 2), 3);
        assert.deepEqual(await within(receiving), { bytes: Uint8Array.of(1, 2), typeId: 3 });
        assert.ok(timers.stop() < 500);
      }
    },
  );

  test(`${kind}.connect waits for the path to appear without blocking`, bounds, async () => {
    const path = newPath();
    const timers = watchTimers();
    const connecting = kinds[kind].connect(path);
    assert.ok(await isPending(connecting, 150));
    assert.ok(timers.ticks() >= 5, `${timers.ticks()} ticks`);
    using end = await within<Producer | Consumer>(others[kind].listen(path));
    using other = await within<Producer | Consumer>(connecting);
    assert.deepEqual(end.peer, other.peer);
    timers.stop();
  });

  test(
    `an aborted ${kind}.listen frees its path, and rejects with the reason`,
    bounds,
    async () => {
      const before = openDescriptors();
      for (const newOne of [newPath, newName]) {
        for (const reason of [new Error("enough"), null, undefined]) {
          const path = newOne();
          const controller = new CountingController();
          const { signal } = controller;
          const listening = kinds[kind].listen(path, { signal, timeout: 5000 });
          assert.ok(await isPending(listening, 5));
          if (!path.startsWith("@")) assert.ok(existsSync(path));
          controller.abort(reason);
          assert.equal(await rejection(listening), signal.reason);
          assert.equal(controller.listeners, 0);
          assert.ok(!existsSync(path));
          assert.equal(await rejection(kinds[kind].listen(path, { signal })), signal.reason);
          assert.ok(!existsSync(path));
        }
      }
      assertNothingAdded(before);
    },
  );

  test(
    `${kind}.listen and connect time out, not before their time, and leave nothing open`,
    bounds,
    async () => {
      const before = openDescriptors();
      const path = newPath();
      for (const timeout of [0, 1.5, 40, 120]) {
        await assertTimesOut((timeout) => kinds[kind].listen(path, { timeout }), timeout);
        assert.ok(!existsSync(path));
        await assertTimesOut((timeout) => kinds[kind].connect(path, { timeout }), timeout);
      }
      assertNothingAdded(before);
    },
  );

  test(
    `an aborted ${kind}.connect rejects with the reason and leaves no descriptor`,
    bounds,
    async () => {
      const before = openDescriptors();
      const silent = newPath();
      const listener = openListener(silent);
      try {
        // Nobody is there; or somebody is, and says nothing.
        for (const path of [newPath(), silent]) {
          for (const milliseconds of [0, 5, 120]) {
            const controller = new CountingController();
            const { signal } = controller;
            const connecting = kinds[kind].connect(path, { signal });
            assert.ok(await isPending(connecting, milliseconds));
            controller.abort(milliseconds);
            const begun = performance.now();
            assert.equal(await rejection(connecting), milliseconds);
            assert.ok(performance.now() - begun < 500);
            assert.equal(controller.listeners, 0);
            assert.equal(await rejection(kinds[kind].connect(path, { signal })), milliseconds);
          }
          await assertTimesOut((timeout) => kinds[kind].connect(path, { timeout }), 30);
        }
      } finally {
        closeListener(listener, silent);
      }
      assertNothingAdded(before);
    },
  );
}

test(
  "a path and a name can be listened on again as soon as a listener that slept is gone",
  bounds,
  async () => {
    for (const path of [newPath(), newName()]) {
      for (let i = 0; i < 30; i++) {
        const controller = new AbortController();
        const listening = Consumer.listen(path, { signal: controller.signal, timeout: 5000 });
        // Long enough for the waiter to sleep for it.
        assert.ok(await isPending(listening, 3), `listening on ${path} again was refused`);
        controller.abort(i);
        assert.equal(await rejection(listening), i);
        const fanIn = await FanIn.listen(path);
        const error = await rejection(fanIn.receive({ timeout: 3 }));
        assert.equal((error as Error).name, "TimeoutError");
        fanIn.close();
      }
    }
  },
);

test("connect without retry rejects at once where nobody listens", bounds, async () => {
  const error = (await rejection(Producer.connect(newPath(), { retry: false }), 1000)) as Error;
  assert.equal(error.name, "SystemError");
  const name = (await rejection(Consumer.connect(newName(), { retry: false }), 1000)) as Error;
  assert.equal(name.name, "SystemError");
});

test(
  "listen rejects at once where somebody listens, and that one is left alone",
  bounds,
  async () => {
    const path = newPath();
    const listening = Consumer.listen(path);
    assert.equal(
      ((await rejection(Producer.listen(path))) as { errno?: string }).errno,
      "EADDRINUSE",
    );
    using producer = await within(Producer.connect(path));
    using consumer = await within(listening);
    assert.equal(producer.capacity, consumer.capacity);
  },
);

test(
  "a listener goes on when somebody is refused, until somebody welcome comes",
  bounds,
  async () => {
    const path = newPath();
    let asked = 0;
    const listening = Consumer.listen(path, { authorize: () => ++asked > 2 });
    for (let i = 0; i < 2; i++) {
      const error = await rejection(Producer.connect(path, { retry: false, timeout: 2000 }));
      assert.equal((error as Error).name, "WireError");
    }
    assert.ok(await isPending(listening));
    using producer = await within(Producer.connect(path, { timeout: 2000 }));
    using consumer = await within(listening);
    assert.equal(asked, 3);
    await producer.send(new Uint8Array(1));
    assert.equal((await within(consumer.receive()))?.bytes.length, 1);
  },
);

test(
  "a side whose callback refuses the other, or throws, rejects and leaves nothing open",
  bounds,
  async () => {
    const before = openDescriptors();
    const wrong = new Error("the callback is wrong");
    const throws = () => {
      throw wrong;
    };
    for (const authorize of [() => false, throws]) {
      const path = newPath();
      const listening = Consumer.listen(path, { timeout: 100 });
      const error = await rejection(Producer.connect(path, { authorize }));
      if (authorize === throws) assert.equal(error, wrong);
      else assert.equal((error as Error).name, "UnauthorizedError");
      // It may have taken the refusal for a connector that came and went.
      await within(
        listening.then(
          (end) => end.close(),
          () => {},
        ),
      );
    }
    const path = newPath();
    const listening = Consumer.listen(path, { authorize: throws });
    const connecting = Producer.connect(path, { retry: false, timeout: 2000 });
    connecting.catch(() => {});
    assert.equal(await rejection(listening), wrong);
    assert.ok(!existsSync(path));
    assert.equal(((await rejection(connecting)) as Error).name, "WireError");
    assertNothingAdded(before);
  },
);

test("many pairs meet at once, each on its path", bounds, async () => {
  const paths = Array.from({ length: 100 }, newName);
  const listening = paths.map((path) => Consumer.listen(path, { capacity: 4096, timeout: 10_000 }));
  const producers = await within(Promise.all(paths.map((path) => Producer.connect(path))), 10_000);
  const consumers = await within(Promise.all(listening), 10_000);
  const receiving = consumers.map((consumer) => consumer.receive());
  assert.ok(await isPending(Promise.race(receiving), 50));
  // In another order than that in which they wait.
  for (let i = 0; i < 100; i++) {
    const at = (i * 37) % 100;
    producers[at]?.trySend(new Uint8Array(at), at);
    if (i % 10 === 0)
      assert.equal(
        ((await within(receiving[at] as Promise<unknown>)) as { typeId: number }).typeId,
        at,
      );
  }
  const types = (await within(Promise.all(receiving))).map((message) => message?.typeId);
  assert.deepEqual(
    types,
    Array.from({ length: 100 }, (_, i) => i),
  );
  for (const end of [...producers, ...consumers]) end.close();
});

test("a listener waits while other channels of the thread go on", bounds, async () => {
  using channel = openChannel();
  const controller = new AbortController();
  const listening = Consumer.listen(newPath(), { signal: controller.signal });
  listening.catch(() => {});
  for (let i = 0; i < 20; i++) {
    const receiving = channel.consumer.receive();
    await isPending(receiving, 1);
    await channel.producer.send(new Uint8Array(i));
    assert.equal((await within(receiving))?.bytes.length, i);
  }
  controller.abort("over");
  assert.equal(await rejection(listening), "over");
});

test("a thousand channels that come and go leave nothing behind", bounds, async () => {
  const path = newName();
  const cycle = async (i: number) => {
    const listening = Consumer.listen(path, { capacity: 4096, timeout: 5000 });
    using producer = await Producer.connect(path);
    using consumer = await listening;
    const receiving = consumer.receive();
    await producer.send(Uint8Array.of(i));
    assert.equal((await receiving)?.bytes[0], i & 255);
  };
  for (let i = 0; i < 5; i++) await cycle(i);
  const before = openDescriptors();
  const deadline = new Deadline(20_000);
  for (let i = 0; i < 1000; i++) {
    await cycle(i);
    deadline.check(`for the cycle after ${i}`);
  }
  assert.deepEqual(channelMappings(), []);
  assert.deepEqual(addedDescriptors(before), []);
});
