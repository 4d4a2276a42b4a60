/** The liar in RPC against the test peer's own ends: each lie is found, and nothing else is. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { CorruptRing } from "./consumer.ts";
import { answerTo, messageAt } from "./content.ts";
import { Deadline } from "./deadline.ts";
import { openMemories } from "./memories.ts";
import { connectRpc } from "./rendezvous.ts";
import { BrokenRpc, Callee, Caller, type RpcEnd } from "./rpc.ts";
import { family, ours, readAll, takeAll, withEnds } from "./rpc-ends.ts";
import type { rpcHandshakeLies } from "./rpc-handshake-lies.ts";
import {
  calleeLies,
  calleeStalls,
  callerLies,
  lawfulReplies,
  lawfulRequests,
  packedRpcLies,
  tailLies,
} from "./rpc-lies.ts";
import { producerLies } from "./running-lies.ts";
import { startPeer } from "./start.ts";
import { states } from "./wire.ts";

let names = 0;
const newName = () => `@zerocross-peer-rpc-lies-${process.pid}-${names++}`;
const soon = () => new Deadline(5000);
const bytes = messageAt(1, 0, 32);
const isFound = (error: unknown) => error instanceof BrokenRpc || error instanceof CorruptRing;

/** Three calls, each of them answered and read. */
function callWell(caller: Caller, callee: Callee): void {
  for (let i = 0; i < 3; i++) assert.ok(caller.tryCall(bytes));
  for (const id of takeAll(callee)) callee.answer(id, bytes, 0, soon());
  assert.equal(readAll(caller).length, 3);
}

// In one thread

function assertFinds(end: RpcEnd, name: string, receiveAll: () => void): void {
  if (name.startsWith("state-")) {
    assert.equal(end.state, 5);
  } else if (packedRpcLies.includes(name)) {
    receiveAll();
    assert.equal(end.state, states.ready);
  } else {
    assert.throws(receiveAll, isFound);
    assert.equal(end.state, states.fatal);
  }
}

for (const [name, lie] of Object.entries(callerLies)) {
  test(`the callee finds the caller's lie "${name}"`, () => {
    withEnds(family, ours, ({ caller, callee }) => {
      callWell(caller, callee);
      lie(caller, soon());
      assertFinds(callee, name, () => takeAll(callee));
    });
  });
}

for (const [name, lie] of Object.entries(calleeLies)) {
  test(`the caller finds the callee's lie "${name}"`, () => {
    withEnds(ours, family, ({ caller, callee }) => {
      callWell(caller, callee);
      caller.tryCall(bytes);
      lie(callee, soon());
      assertFinds(caller, name, () => readAll(caller));
    });
  });
}

for (const [name, lie] of Object.entries(lawfulRequests)) {
  test(`the callee answers the unusual "${name}"`, () => {
    withEnds(family, family, ({ caller, callee }) => {
      lie(caller);
      for (const id of takeAll(callee)) callee.answer(id, bytes, 0, soon());
      assert.deepEqual(readAll(caller), [caller.lastId]);
      assert.equal(caller.state, states.ready);
    });
  });
}

for (const [name, lie] of Object.entries(lawfulReplies)) {
  test(`the caller of ours takes the unusual "${name}"`, () => {
    withEnds(ours, family, ({ caller, callee }) => {
      for (let i = 0; i < 2; i++) caller.tryCall(bytes);
      lie(callee, soon());
      for (const id of takeAll(callee)) callee.answer(id, bytes, 0, soon());
      assert.equal(readAll(caller).length, 2);
      assert.equal(caller.state, states.ready);
    });
  });
}

// Against another process

const isOfRpc = (name: string) => !(name in producerLies) && !packedRpcLies.includes(name);

type Kind<End> = new (...args: ConstructorParameters<typeof Caller>) => End;

/** The rings are small, so that a lie about tail needs few calls. */
function startLiar(path: string, role: "caller" | "callee", what: string) {
  const told = ["--as", role, "--what", what, "--capacity", 2048];
  return startPeer(["lie", "--listen", "--path", path, ...told]);
}

/** An end in this process. Its arenas are closed with the block that holds it. */
function connectTo<End>(path: string, Kind: Kind<End>) {
  const { arenas } = connectRpc(path, soon());
  const dispose = () => {
    for (const arena of arenas) arena.close();
  };
  return { end: new Kind(...arenas, ours), [Symbol.dispose]: dispose };
}

function callForEver(caller: Caller): never {
  const deadline = soon();
  for (;;) {
    // Two requests fit whatever the replies do, and a callee may need two to be out of order.
    if (caller.outstanding < 2 && caller.call(bytes, 0, deadline)) continue;
    const reply = caller.reply(deadline);
    assert.deepEqual(reply?.bytes, answerTo(bytes));
  }
}

function answerForEver(callee: Callee): never {
  const deadline = soon();
  for (;;) {
    const request = callee.request(deadline);
    assert.ok(request);
    callee.answer(request.correlationId, answerTo(request.bytes), 0, deadline);
  }
}

for (const name of Object.keys({ ...callerLies, ...tailLies }).filter(isOfRpc)) {
  test(`another process's lie "${name}" as a caller ends the answering`, async () => {
    const path = newName();
    const liar = startLiar(path, "caller", name);
    using met = connectTo(path, Callee);
    assert.throws(() => answerForEver(met.end), /tail lies|set the state 5|request \d+ after/);
    assert.ok(((await liar.report).state ?? 0) >= states.fatal);
  });
}

for (const name of Object.keys({ ...calleeLies, ...tailLies }).filter(isOfRpc)) {
  test(`another process's lie "${name}" as a callee ends the calling`, async () => {
    const path = newName();
    const liar = startLiar(path, "callee", name);
    using met = connectTo(path, Caller);
    const found = /tail lies|set the state 5|a reply to|passes|head jumps|size \d+, reserved/;
    assert.throws(() => callForEver(met.end), found);
    assert.ok(((await liar.report).state ?? 0) >= states.fatal);
  });
}

for (const name of Object.keys(lawfulRequests)) {
  test(`another process's unusual "${name}" is answered`, async () => {
    const path = newName();
    const answering = startPeer(["answer", "--listen", "--path", path]);
    const unusual = startPeer(["lie", "--path", path, "--as", "caller", "--what", name]);
    const [answered, called] = await Promise.all([answering.report, unusual.report]);
    assert.deepEqual([answered.count, answered.closed, called.closed], [4, true, false]);
  });
}

for (const name of Object.keys(lawfulReplies)) {
  test(`another process's unusual "${name}" is taken, and then the calls go on`, async () => {
    const path = newName();
    const unusual = startLiar(path, "callee", name);
    const args = ["--path", path, "--count", 20, "--inflight", 2, "--ours"];
    const calling = startPeer(["call", ...args]);
    const [answered, called] = await Promise.all([unusual.report, calling.report]);
    assert.deepEqual([answered.lastId, answered.closed], [20, true]);
    assert.equal(called.count, 20);
    assert.equal(called.failures, name.startsWith("failure-") ? 1 : 0);
    assert.equal(called.overtaking, name === "replies-out-of-order" ? 1 : 0);
  });
}

test("a caller that never reads replies leaves its callee without room", async () => {
  const path = newName();
  const liar = startLiar(path, "caller", "never-reads-replies");
  using met = connectTo(path, Callee);
  const deadline = new Deadline(1000);
  const answerAll = () => {
    for (let next = met.end.request(deadline); next; next = met.end.request(deadline)) {
      met.end.answer(next.correlationId, answerTo(next.bytes), 0, deadline);
    }
  };
  assert.throws(answerAll, /in vain: for room in the ring/);
  met.end.close();
  assert.equal((await liar.report).state, states.disconnected);
});

for (const name of Object.keys(calleeStalls)) {
  test(`a callee that "${name}" leaves its caller waiting`, async () => {
    const path = newName();
    const liar = startLiar(path, "callee", name);
    using met = connectTo(path, Caller);
    for (let i = 0; i < 3; i++) {
      met.end.call(bytes, 0, soon());
      assert.deepEqual(met.end.reply(soon())?.bytes, answerTo(bytes));
    }
    assert.ok(met.end.tryCall(bytes));
    assert.throws(() => met.end.reply(new Deadline(100)), /in vain: for a request or a reply/);
    met.end.close();
    assert.deepEqual([(await liar.report).count], [3]);
  });
}

// At the handshake

const refusals: Record<keyof typeof rpcHandshakeLies, RegExp> = {
  "rpc-no-descriptor": /descriptors: found 0, expected 2/,
  "rpc-one-descriptor": /descriptors: found 1, expected 2/,
  "rpc-three-descriptors": /descriptors: found 3, expected 2/,
  "rpc-swapped-descriptors": /file's size: found 8960, expected 4864/,
  "rpc-swapped-sizes": /file's size: found 4864, expected 8960/,
  "rpc-flag-missing": /capacity_rev: found 8192, expected 0/,
  "rpc-unknown-flag": /unknown flags: found 2/,
  "rpc-only-a-channel": /a channel, expected RPC/,
  "rpc-capacity-rev-0": /capacity 0/,
  "rpc-rev-all-0": /capacity 0/,
  "rpc-shm-size-rev-0": /shm_size: found 0, expected 8960/,
  "rpc-shm-size-rev-too-large": /shm_size: found 9024, expected 8960/,
  "rpc-capacity-rev-no-power-of-two": /capacity 12288/,
  "rpc-capacity-rev-below-a-line": /capacity 32/,
  "rpc-capacity-rev-2-to-31": /file's size: found 8960, expected 2147484416/,
  "rpc-reverse-file-too-small": /file's size: found 8192, expected 8960/,
  "rpc-reverse-unsealed": /seals: found 0, expected 7/,
  "rpc-reverse-is-a-socket": /lseek failed/,
  "rpc-reverse-memory-magic": /magic in memory/,
  "rpc-reverse-memory-version": /version in memory: found 3/,
  "rpc-reverse-memory-capacity": /capacity in memory: found 16384/,
  "rpc-cut-to-20-bytes": /a handshake of 20 bytes/,
  "rpc-trailing-bytes": /a handshake of 36 bytes/,
};

for (const [name, message] of Object.entries(refusals)) {
  test(`a listener of RPC that lies is refused: ${name}`, async () => {
    const path = newName();
    const sizes = ["--capacity", 4096, "--capacity-rev", 8192];
    const liar = startPeer(["lie", "--what", name, "--path", path, ...sizes]);
    assert.throws(() => connectRpc(path, soon()), { message });
    await liar.report;
    assert.deepEqual(openMemories(), []);
  });
}
