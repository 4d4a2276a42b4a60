/** Clients that come and go by the thousand leave nothing behind. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { RpcClient, serve } from "../../src/index.ts";
import { addedDescriptors, channelMappings, openDescriptors } from "../support/memory.ts";
import { newRpcName, until } from "../support/rpc-in-thread.ts";

const patience = { timeout: 10_000 };
const bounds = { timeout: 60_000 };
/** More than what a runtime's heap grows by on its own; a mapping that stayed would be 8 KiB a client. */
const growthMax = 40 * 2 ** 20;

function collectGarbage(): void {
  const { Bun, gc } = globalThis as { Bun?: { gc(force: boolean): void }; gc?: () => void };
  Bun?.gc(true);
  gc?.();
}

async function comeAndGo(path: string, rounds: number, atOnce: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const clients = await Promise.all(
      Array.from({ length: atOnce }, () => RpcClient.connect(path)),
    );
    await Promise.all(
      clients.map(async (client, index) => {
        const { bytes } = await client.call(Uint8Array.of(index), patience);
        assert.deepEqual([...bytes], [index]);
        // Some with a call under way.
        if (index % 3 === 0) void client.call(new Uint8Array(1000), patience).catch(() => {});
        client.close();
      }),
    );
  }
}

test(
  "1,000 clients that came and went leave no descriptor, no mapping and no memory",
  bounds,
  async () => {
    let opened = 0;
    const left: unknown[] = [];
    const server = await serve({
      path: newRpcName(),
      capacity: 65536,
      handler: ({ bytes }) => bytes,
      onOpen: () => {
        opened += 1;
      },
      onClose: (_, error) => left.push(error),
    });
    const comeAndGone = async (rounds: number) => {
      const before = left.length;
      await comeAndGo(server.path, rounds, 10);
      await until(() => left.length === before + 10 * rounds, "for the last to be gone");
      assert.equal(server.connections, 0);
    };
    await comeAndGone(20);
    collectGarbage();
    const descriptors = openDescriptors();
    const { rss } = process.memoryUsage();
    await comeAndGone(100);
    assert.equal(opened, 1200);
    assert.ok(left.every((error) => error === undefined));
    assert.deepEqual(channelMappings(), []);
    assert.deepEqual(addedDescriptors(descriptors), []);
    collectGarbage();
    const growth = process.memoryUsage().rss - rss;
    assert.ok(growth < growthMax, `${growth} bytes more`);
    await using next = await server
      .stop()
      .then(() => serve({ path: server.path, handler: () => new Uint8Array() }));
    assert.equal(next.connections, 0);
  },
);

test("100 clients at once are all answered, over and over", bounds, async () => {
  await using server = await serve({
    path: newRpcName(),
    capacity: 4096,
    handler: ({ bytes }) => bytes,
  });
  const clients = await Promise.all(
    Array.from({ length: 100 }, () => RpcClient.connect(server.path)),
  );
  await until(() => server.connections === 100, "for all to be connected");
  for (let round = 0; round < 5; round++) {
    await Promise.all(
      clients.map(async (client, index) => {
        const request = Uint8Array.of(index, round);
        assert.deepEqual((await client.call(request, patience)).bytes, request);
      }),
    );
    // Long enough for all to be handed to the waiter.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  for (const client of clients) client.close();
  await until(() => server.connections === 0, "for the clients to be gone");
});

const collects = (globalThis as { Bun?: unknown }).Bun !== undefined || "gc" in globalThis;
const skip = collects ? false : "this runtime does not let its garbage be collected";

if (skip !== false) console.log(`skipped: ${skip}`);
test("clients that were dropped are closed once they are collected", { skip }, async () => {
  const handler = ({ bytes }: { bytes: Uint8Array }) => bytes;
  await using server = await serve({ path: newRpcName(), capacity: 4096, handler });
  const comeAndDrop = async () => {
    const client = await RpcClient.connect(server.path);
    await client.call(Uint8Array.of(1), patience);
  };
  for (let i = 0; i < 20; i++) await comeAndDrop();
  await until(() => {
    collectGarbage();
    return server.connections < 10;
  }, "for the garbage to be collected");
});
