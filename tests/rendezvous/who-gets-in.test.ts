/** Who may take an end, and what a stranger at the rendezvous can send: none of it is taken, or stays. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeMemory, makeSecret } from "../../proofs/scarcity/kernel.ts";
import { asRoot } from "../../proofs/scarcity/restricted.ts";
import { Consumer, type Peer, RpcClient, serve } from "../../src/index.ts";
import { Arena } from "../peer/arena.ts";
import { Deadline } from "../peer/deadline.ts";
import * as libc from "../peer/libc.ts";
import { acceptPeer, closeListener, connectTo, openListener } from "../peer/rendezvous.ts";
import { controlSize, encodeHandshake, honestHandshake } from "../peer/wire.ts";
import type { MeetArguments, Meeting } from "../programs/meet.ts";
import { temporaryFolder, temporaryPaths } from "../support/folder.ts";
import { addedDescriptors, channelMappings, openDescriptors } from "../support/memory.ts";
import { startProgram } from "../support/program.ts";
import { rejection, within } from "../support/promises.ts";
import { until } from "../support/rpc-in-thread.ts";

const newPath = temporaryPaths();
const nobody = 65534;
const timeout = 5000;
const capacity = 4096;
const memorySize = controlSize + capacity;
const honest = encodeHandshake(4, honestHandshake(4, capacity));

const startMeet = (args: MeetArguments) => startProgram("meet", args);

// What a listener sends

/** Connects to a listener of the test's that does `tell` with the connection. */
function connectTold(tell: (socket: number) => void): Consumer {
  const path = newPath();
  const listener = openListener(path);
  const authorize = () => {
    const socket = acceptPeer(listener, new Deadline(timeout));
    tell(socket);
    libc.close(socket);
    return true;
  };
  try {
    return Consumer.connectSync(path, { timeout, authorize });
  } finally {
    closeListener(listener, path);
  }
}

/** Asserts that this is refused with a WireError, and that no descriptor of it stays. */
function assertRefused(tell: (socket: number) => void, message: RegExp): void {
  const before = openDescriptors();
  assert.throws(() => connectTold(tell), { name: "WireError", message });
  assert.deepEqual(addedDescriptors(before), []);
  assert.deepEqual(channelMappings(), []);
}

test("a message with as many descriptors as the kernel lets through is refused, and each is closed", () => {
  using arena = disposable(Arena.create(capacity));
  const { fd } = arena.value;
  const all = Array<number>(253).fill(fd);
  assertRefused(
    (socket) => libc.sendMessage(socket, honest, all),
    /sent 253 descriptors; expected 1/,
  );
});

test("descriptors that come one by one, with each byte, are counted and closed", () => {
  using arena = disposable(Arena.create(capacity));
  const { fd } = arena.value;
  assertRefused((socket) => {
    for (const byte of honest) libc.sendMessage(socket, Uint8Array.of(byte), [fd]);
  }, /sent \d+ descriptors; expected 1/);
});

const all = libc.seals.seal | libc.seals.shrink | libc.seals.grow;
const sealFutureWrite = 16;
const hugePage = 2 * 2 ** 20;

/** Memories that look right at first, each with what is said of it. */
const memories: Record<string, { make: () => number | undefined; message: RegExp }> = {
  "sealed against writing": {
    make: () => makeMemory(memorySize, all | libc.seals.write),
    message: /seals 0x[0-9a-f]*[8-9a-f]; expected it sealed.*open for writing/,
  },
  "sealed against new writers": {
    make: () => makeMemory(memorySize, all | sealFutureWrite),
    message: /seals 0x[0-9a-f]*[13][0-9a-f]; expected it sealed.*open for writing/,
  },
  "of huge pages": {
    // A machine may have none of them: the file is there all the same.
    make: () => makeMemory(hugePage, all, { isHuge: true }),
    message: new RegExp(`memory that it sent is ${hugePage} bytes; expected ${memorySize}`),
  },
  "hidden from the kernel (memfd_secret)": {
    make: () => makeSecret(memorySize),
    message: /seals 0x00000000; expected it sealed/,
  },
};

for (const [what, { make, message }] of Object.entries(memories)) {
  test(`memory ${what} is refused`, (context) => {
    const fd = make();
    if (fd === undefined) return context.skip("this kernel makes no such memory");
    try {
      assertRefused((socket) => libc.sendMessage(socket, honest, [fd]), message);
    } finally {
      libc.close(fd);
    }
  });
}

test("memory that was taken cannot be cut short by who made it", () => {
  const arena = Arena.create(capacity);
  using consumer = connectTold((socket) => libc.sendMessage(socket, honest, [arena.fd]));
  for (const size of [0, memorySize - 1, memorySize + 1]) {
    assert.throws(() => libc.truncate(arena.fd, size), /errno 1$/);
  }
  assert.equal(consumer.tryReceive(), undefined);
  arena.close();
});

function disposable<Value extends { close(): void }>(value: Value) {
  return { value, [Symbol.dispose]: () => value.close() };
}

// Other users

test("serve sends another user away unless authorize takes it, and goes on", asRoot, async () => {
  const path = `@zerocross-users-${process.pid}`;
  const handler = ({ bytes }: { bytes: Uint8Array }) => bytes;
  const stranger = { path, how: "connect", end: "consumer", user: nobody, trusts: true } as const;
  for (const authorize of [undefined, ({ uid }: Peer) => uid === nobody]) {
    const heard: Error[] = [];
    const onError = (error: Error) => heard.push(error);
    await using _ = await serve({ path, handler, onError, ...(authorize && { authorize }) });
    using program = startMeet(stranger);
    const { error } = await within(program.next<Meeting>());
    if (authorize === undefined) {
      assert.match(error?.message ?? "", /after 0 bytes.*may have refused this process/);
      assert.equal(heard[0]?.name, "UnauthorizedError");
      assert.match(
        heard[0]?.message ?? "",
        new RegExp(`pid ${program.pid}, uid ${nobody}.*sent away`),
      );
      using client = await RpcClient.connect(path, { timeout });
      assert.equal((await client.call(Uint8Array.of(7))).bytes[0], 7);
    } else {
      // It was let in, and finds that this is an RPC endpoint.
      assert.match(error?.message ?? "", /flags/);
      assert.ok(
        ((await rejection(RpcClient.connect(path, { timeout }))) as Error).name === "WireError",
      );
    }
  }
});

// A folder that all may write to

for (const [kind, mode] of [
  ["", 0o777],
  [" with the sticky bit", 0o1777],
] as const) {
  test(
    `in a world-writable folder${kind} a squatter of another user is not taken for the listener`,
    asRoot,
    async () => {
      const folder = temporaryFolder();
      chmodSync(folder, mode);
      const path = join(folder, "socket");
      using squatter = startMeet({
        path,
        how: "listen",
        end: "producer",
        user: nobody,
        trusts: true,
        options: { mode: 0o666 },
      });
      const error = (await rejection(Consumer.connect(path, { timeout }))) as Error;
      assert.equal(error.name, "UnauthorizedError");
      assert.match(error.message, new RegExp(`\\(${path}\\).*pid ${squatter.pid}, uid ${nobody}`));
      // Nor does a listener push it out.
      const refused = (await rejection(Consumer.listen(path, { timeout }))) as Error;
      assert.match(
        refused.message,
        new RegExp(`process ${squatter.pid} is listening there.*left alone`),
      );
    },
  );
}

test(
  "in a folder with the sticky bit nobody replaces the file of another user",
  asRoot,
  async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o1777);
    const path = join(folder, "socket");
    libc.close(openListener(path));
    chmodSync(path, 0o666);
    using stranger = startMeet({ path, how: "listen", end: "producer", user: nobody });
    const { error } = await within(stranger.next<Meeting>());
    assert.equal(error?.name, "SystemError");
    assert.equal(error?.syscall, "unlink");
    assert.ok(existsSync(path));
    unlinkSync(path);
  },
);

// A connector that does nothing

test("a connector that never takes what it is sent delays nobody, and is given up after 5 seconds", async () => {
  const path = newPath();
  const heard: Error[] = [];
  const onError = (error: Error) => heard.push(error);
  await using _ = await serve({ path, capacity, handler: ({ bytes }) => bytes, onError });
  const start = performance.now();
  const silent = connectTo(path, new Deadline(timeout));
  using client = await RpcClient.connect(path, { timeout });
  assert.equal((await client.call(Uint8Array.of(7), { timeout })).bytes[0], 7);
  assert.ok(performance.now() - start < 2500);
  await until(() => heard.length > 0, "for the connector to be given up", 10_000);
  assert.ok(performance.now() - start >= 4990);
  assert.equal(heard[0]?.name, "TimeoutError");
  // Two for the client, and two for the server.
  assert.equal(channelMappings().length, 4);
  libc.close(silent);
});
