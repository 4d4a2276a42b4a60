/** A lock that anybody may take who can read the socket's folder: it holds no listener up. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Consumer, FanIn, Producer, RpcClient, serve } from "../../src/index.ts";
import * as libc from "../peer/libc.ts";
import { temporaryPaths } from "../support/folder.ts";
import { within } from "../support/promises.ts";

const newPath = temporaryPaths();
const timeout = 5000;
const capacity = 4096;
/** Milliseconds: more than a busy machine takes from a turn, and less than any patience with a lock. */
const turnMax = 500;

/** Has the folder of `path` locked by another opening of it, as another process would. */
function lockedFolder(path: string): Disposable {
  const folder = libc.open(dirname(path), 0o200000);
  libc.lock(folder);
  return { [Symbol.dispose]: () => libc.close(folder) };
}

/** Leaves a socket file at `path` that nobody listens on. */
function leaveStale(path: string): void {
  const socket = libc.socket();
  libc.bind(socket, path);
  libc.close(socket);
}

/** The longest turn of the event loop, in milliseconds, while `body` ran. */
async function longestTurn(body: () => Promise<void>): Promise<number> {
  let longest = 0;
  let hasEnded = false;
  let begun = performance.now();
  const running = body().finally(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    await setImmediate();
    const now = performance.now();
    longest = Math.max(longest, now - begun);
    begun = now;
  }
  await running;
  return longest;
}

const listeners: Record<string, (path: string) => Promise<void>> = {
  async "Consumer.listen"(path) {
    const listening = Consumer.listen(path, { capacity, timeout });
    using producer = await Producer.connect(path, { timeout });
    using consumer = await listening;
    producer.sendSync(Uint8Array.of(7));
    assert.equal((await consumer.receive({ timeout }))?.bytes[0], 7);
  },
  async serve(path) {
    await using _ = await serve({ path, capacity, handler: ({ bytes }) => bytes });
    using client = await RpcClient.connect(path, { timeout });
    assert.equal((await client.call(Uint8Array.of(7), { timeout })).bytes[0], 7);
  },
  async "FanIn.listen"(path) {
    await using fanIn = await FanIn.listen(path, { capacity });
    const receiving = fanIn.receive({ timeout });
    using producer = await Producer.connect(path, { timeout });
    producer.sendSync(Uint8Array.of(7));
    assert.equal((await receiving).bytes[0], 7);
  },
};

for (const [name, listen] of Object.entries(listeners)) {
  for (const stale of [false, true]) {
    const where = stale ? "where a stale file stands" : "where nothing stands";
    test(`${name} holds no turn up while a stranger locks the folder, ${where}`, async () => {
      const path = newPath();
      if (stale) leaveStale(path);
      using _ = lockedFolder(path);
      const longest = await longestTurn(() => within(listen(path)));
      assert.ok(longest < turnMax, `a turn lasted ${longest} ms`);
      assert.equal(existsSync(path), false);
      // Nothing that replacing the stale file took is left beside it.
      const left = readdirSync(dirname(path)).filter((file) => file.includes(basename(path)));
      assert.deepEqual(left, []);
    });
  }
}

test("listenSync waits for nobody's lock either", () => {
  const path = newPath();
  leaveStale(path);
  using _ = lockedFolder(path);
  const begun = performance.now();
  assert.throws(() => Consumer.listenSync(path, { timeout: 0 }), { name: "TimeoutError" });
  assert.ok(performance.now() - begun < turnMax);
});
