/** What the side that is left gets when the other one closes or dies with calls under way. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { RpcClient, RpcResponder, serve } from "../../src/index.ts";
import { sizeAt } from "../peer/content.ts";
import type { RpcCallerArguments } from "../programs/rpc-caller.ts";
import { addedDescriptors, channelMappings, openDescriptors } from "../support/memory.ts";
import { bothRuntimes, type Runtime, startProgram } from "../support/program.ts";
import { connectCaller, newRpcName, openClient, soon, until } from "../support/rpc-in-thread.ts";
import { asks, startServer } from "../support/rpc-server.ts";
import { printedSeed } from "../support/seed.ts";

const seed = printedSeed();
const patience = { timeout: 10_000 };
const died = { name: "PeerDiedError", code: "ERR_ZEROCROSS_PEER_DIED" };
const closed = { name: "PeerClosedError", code: "ERR_ZEROCROSS_PEER_CLOSED" };
const ended = { name: "ClosedError", code: "ERR_ZEROCROSS_CLOSED" };
/** 100 ms, and as much again for a busy machine. */
const noticedWithinMs = 200;
const bounds = { timeout: 60_000 };
const echo = ({ bytes }: { bytes: Uint8Array }) => bytes;

function startCaller(args: RpcCallerArguments, runtime: Runtime) {
  return startProgram("rpc-caller", args, { runtime });
}

async function assertAllReject(calls: readonly Promise<unknown>[], expected: object) {
  // All at once, since each of them has to be looked at when it rejects.
  await Promise.all(calls.map((call) => assert.rejects(call, expected)));
}

async function assertOver(client: RpcClient, expected: object): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await assert.rejects(client.call(Uint8Array.of(1), patience), expected);
    assert.throws(() => client.callSync(Uint8Array.of(1), patience), expected);
  }
}

// The server's end

for (const runtime of bothRuntimes) {
  for (const how of ["serve", "listen"] as const) {
    for (const spin of [undefined, 0]) {
      const options = spin === undefined ? {} : { wait: { spin } };
      const policy = spin === undefined ? "" : " (asleep)";

      test(`every call is told in time that ${how} in ${runtime} was killed${policy}`, async () => {
        const path = newRpcName();
        using program = startServer({ path, how, capacity: 4096 }, { runtime });
        using client = RpcClient.connectSync(path, { ...patience, ...options });
        client.callSync(Uint8Array.of(1), patience);
        process.kill(program.pid, "SIGSTOP");
        // Some are sent and others not, since four fit into the ring.
        const calls = Array.from({ length: 10 }, () => client.call(new Uint8Array(960), patience));
        await new Promise((resolve) => setTimeout(resolve, 20));
        program.kill();
        const killed = performance.now();
        await assertAllReject(calls, died);
        const late = performance.now() - killed;
        assert.ok(late < noticedWithinMs, `noticed ${late} ms after the kill`);
        await assertOver(client, died);
      });

      test(`callSync is told in time that ${how} in ${runtime} died${policy}`, async () => {
        const path = newRpcName();
        using program = startServer({ path, how }, { runtime });
        using client = RpcClient.connectSync(path, { ...patience, ...options });
        client.callSync(Uint8Array.of(1), patience);
        const before = Array.from({ length: 3 }, () => client.call(Uint8Array.of(1), patience));
        const doomed = [1, 2].map(() =>
          client.call(Uint8Array.of(1), { ...patience, typeId: asks.die }),
        );
        const begun = performance.now();
        assert.throws(() => client.callSync(Uint8Array.of(1), patience), died);
        const late = performance.now() - begun;
        assert.ok(late < noticedWithinMs, `noticed ${late} ms after the kill`);
        // What was answered before it died is delivered.
        for (const call of before) assert.deepEqual([...(await call).bytes], [2]);
        await assertAllReject(doomed, died);
        await assertOver(client, died);
        assert.equal((await program.ended).signal, "SIGKILL");
      });
    }
  }
}

test("a callee that closes ends every call, once what it answered is delivered", async () => {
  using open = openClient();
  const { client, callee } = open;
  const calls = [1, 2, 3].map((first) => client.call(Uint8Array.of(first), patience));
  const unsent = [1, 2, 3].map(() => client.call(new Uint8Array(1984), patience));
  callee.tryRequest();
  callee.answer(1n, Uint8Array.of(9), 0, soon());
  callee.close();
  assert.deepEqual([...(await (calls[0] as (typeof calls)[0])).bytes], [9]);
  await assertAllReject([...calls.slice(1), ...unsent], closed);
  await assertOver(client, closed);
});

// The client's own end

test("a client that closes ends its calls, sent or not, and every later one", async () => {
  using open = openClient();
  const { client, callee } = open;
  const calls = Array.from({ length: 10 }, () => client.call(new Uint8Array(960), patience));
  client.close();
  client.close();
  await assertAllReject(calls, { ...ended, message: /^calling \(@zerocross-rpc/ });
  await assertOver(client, ended);
  assert.equal(callee.state, 3);
});

test("a client may close from within what follows a reply", async () => {
  const left: unknown[] = [];
  await using server = await serve({
    path: newRpcName(),
    handler: echo,
    onClose: (_, error) => left.push(error),
  });
  for (let round = 0; round < 20; round++) {
    const client = await RpcClient.connect(server.path);
    const calls = Array.from({ length: 20 }, (_, index) =>
      client.call(Uint8Array.of(index), patience).then(({ bytes }) => {
        if (index === round) client.close();
        return bytes[0];
      }),
    );
    const results = await Promise.allSettled(calls);
    for (const [index, result] of results.entries()) {
      if (result.status === "fulfilled") assert.equal(result.value, index);
      else assert.equal(result.reason.name, "ClosedError");
    }
    assert.equal(results[round]?.status, "fulfilled");
  }
  await until(() => left.length === 20, "for the clients to be gone");
  assert.ok(left.every((error) => error === undefined));
});

test("a client that closes while its calls are being handled does no harm", async () => {
  const left: unknown[] = [];
  const held: (() => void)[] = [];
  const heard: unknown[] = [];
  await using server = await serve({
    path: newRpcName(),
    handler: ({ bytes }) =>
      bytes[0] === 0
        ? bytes
        : new Promise((resolve, reject) => {
            held.push(() => (bytes[0] === 1 ? resolve(bytes) : reject(new Error("too late"))));
          }),
    onClose: (_, error) => left.push(error),
    onError: (error) => heard.push(error.message),
  });
  const client = await RpcClient.connect(server.path);
  using other = await RpcClient.connect(server.path);
  const calls = [1, 1, 2].map((first) => client.call(Uint8Array.of(first), patience));
  const settled = Promise.allSettled(calls);
  await until(() => held.length === 3, "for the requests");
  client.close();
  await until(() => left.length === 1, "for the server to hear of it");
  for (const end of held) end();
  await settled;
  assert.deepEqual([...(await other.call(Uint8Array.of(0), patience)).bytes], [0]);
  assert.deepEqual([left, heard, server.connections], [[undefined], ["too late"], 1]);
});

// The client's process ends

for (const runtime of bothRuntimes) {
  const causes = [
    ["die", died.name],
    ["leave", died.name],
    ["close", undefined],
  ] as const;
  for (const [end, name] of causes) {
    test(`onClose hears ${name ?? "no error"} of a client in ${runtime} that does "${end}"`, async () => {
      const left: [pid: number, error: string | undefined][] = [];
      const opened: number[] = [];
      await using server = await serve({
        path: newRpcName(),
        handler: ({ bytes }) => bytes.map((byte) => byte + 1),
        onOpen: ({ pid }) => opened.push(pid),
        onClose: ({ pid }, error) => left.push([pid, error?.name]),
      });
      using program = startCaller({ path: server.path, count: 20, inFlight: 3, end }, runtime);
      assert.deepEqual(await program.next(), { answered: 20 });
      await program.ended;
      const since = performance.now();
      await until(() => left.length === 1, "for onClose");
      assert.ok(performance.now() - since < noticedWithinMs);
      assert.deepEqual([left, opened], [[[program.pid, name]], [program.pid]]);
      assert.equal(server.connections, 0);
    });
  }

  test(`serveSync returns when a client in ${runtime} closes, and throws when it dies`, async () => {
    for (const end of ["close", "die"] as const) {
      const path = newRpcName();
      using program = startCaller({ path, count: 20, inFlight: 0, end, listens: true }, runtime);
      using responder = RpcResponder.connectSync(path, patience);
      assert.equal(responder.peer.pid, program.pid);
      const serveAll = () => responder.serveSync(({ bytes }) => bytes.map((byte) => byte + 1));
      if (end === "close") serveAll();
      else assert.throws(serveAll, died);
      await program.ended;
    }
  });
}

// At random moments, over and over

async function assertNothingOpen(before: readonly string[]): Promise<void> {
  assert.deepEqual(channelMappings(), []);
  // Those to the programs that ended are the runtime's, which closes them in its own time, and the
  // thread that waits for an event loop has an eventfd while it sleeps.
  const added = () =>
    addedDescriptors(before).filter((target) => /zerocross|eventfd|pidfd/.test(target));
  await until(() => added().length === 0, "for the descriptors to be closed");
}

for (const runtime of bothRuntimes) {
  test(
    `a server in ${runtime} that is killed at 10 random moments leaves nothing open`,
    bounds,
    async () => {
      const before = openDescriptors();
      for (let round = 0; round < 10; round++) {
        const path = newRpcName();
        const how = round % 2 === 0 ? "serve" : "listen";
        using program = startServer({ path, how, capacity: 16384 }, { runtime });
        using client = RpcClient.connectSync(path, patience);
        await client.call(Uint8Array.of(1), patience);
        setTimeout(() => program.kill(), sizeAt(seed, round, 0, 20));
        let over = 0;
        const callOn = async () => {
          while (true) {
            await client.call(new Uint8Array(sizeAt(seed, over, 0, 5000)), patience);
            over += 1;
            if (round % 3 > 0) continue;
            client.callSync(new Uint8Array(9), patience);
            // It delivers to the other calls as well, which would leave the timer no turn.
            await new Promise((resolve) => setTimeout(resolve, 0));
          }
        };
        const calling = Array.from({ length: 10 }, callOn);
        await assertAllReject(calling, died);
        assert.equal(channelMappings().length, 2);
        await program.ended;
      }
      await assertNothingOpen(before);
    },
  );

  test(
    `clients in ${runtime} that are killed at 10 random moments leave a server as it was`,
    bounds,
    async () => {
      const before = openDescriptors();
      const left: (string | undefined)[] = [];
      const server = await serve({
        path: newRpcName(),
        capacity: 16384,
        handler: ({ bytes }) => {
          const reply = bytes.map((byte) => byte + 1);
          return bytes.length % 3 === 0
            ? reply
            : new Promise((resolve) => setTimeout(resolve, bytes.length % 3, reply));
        },
        onClose: (_, error) => left.push(error?.name),
      });
      using witness = await RpcClient.connect(server.path);
      for (let round = 0; round < 10; round++) {
        const inFlight = round % 2 === 0 ? 10 : 0;
        const args = { path: server.path, inFlight, sizeMax: 5000, seed, counts: true };
        using program = startCaller(args, runtime);
        await program.next();
        await new Promise((resolve) => setTimeout(resolve, sizeAt(seed, round, 0, 20)));
        program.kill();
        await until(() => left.length === round + 1, "for onClose");
        assert.deepEqual([...(await witness.call(Uint8Array.of(7), patience)).bytes], [8]);
        await program.ended;
      }
      assert.ok(
        left.every((name) => name === "PeerDiedError"),
        left.join(" "),
      );
      assert.equal(server.connections, 1);
      assert.equal(channelMappings().length, 4);
      witness.close();
      await server.stop();
      await assertNothingOpen(before);
    },
  );

  test(
    `a responder is told of clients in ${runtime} that are killed at 6 random moments`,
    bounds,
    async () => {
      const before = openDescriptors();
      for (let round = 0; round < 6; round++) {
        const path = newRpcName();
        const args = { path, inFlight: round % 2, sizeMax: 5000, seed, listens: true };
        using program = startCaller(args, runtime);
        using responder = RpcResponder.connectSync(path, patience);
        // This thread is blocked meanwhile, so the program is killed from within the handler.
        let left = sizeAt(seed, round, 1, 400);
        const serveAll = () =>
          responder.serveSync(({ bytes }) => {
            left -= 1;
            if (left === 0) program.kill();
            return bytes.map((byte) => byte + 1);
          });
        assert.throws(serveAll, died);
        await program.ended;
      }
      await assertNothingOpen(before);
    },
  );
}

test("a caller of the family that closes ends its connection without an error", async () => {
  const left: unknown[] = [];
  await using server = await serve({
    path: newRpcName(),
    handler: echo,
    onClose: (_, error) => left.push(error),
  });
  {
    using asking = await connectCaller(server.path);
    assert.ok(asking.caller.tryCall(Uint8Array.of(1)));
    await until(() => asking.caller.tryReply() !== undefined, "for the reply");
  }
  await until(() => left.length === 1, "for onClose");
  assert.deepEqual([left, server.connections], [[undefined], 0]);
});
