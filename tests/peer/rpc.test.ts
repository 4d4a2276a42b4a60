/** The test peer's RPC against itself: before it judges the library, it must agree with the wire. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { Arena, requiredSeals } from "./arena.ts";
import { answerTo } from "./content.ts";
import { Deadline } from "./deadline.ts";
import * as libc from "./libc.ts";
import { connectTo, receive } from "./rendezvous.ts";
import { BrokenRpc, Caller, type RpcOptions } from "./rpc.ts";
import { type Ends, family, ours, readAll, takeAll, withEnds } from "./rpc-ends.ts";
import { lawfulReplies } from "./rpc-lies.ts";
import { type Report, type Runtime, startPeer, thisRuntime } from "./start.ts";
import { failedTypeId, states } from "./wire.ts";

let names = 0;
const newName = () => `@zerocross-peer-rpc-${process.pid}-${names++}`;
const soon = () => new Deadline(5000);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const otherRuntime: Runtime = thisRuntime === "bun" ? "deno" : "bun";

function callThrice(caller: Caller): void {
  for (let i = 0; i < 3; i++) assert.ok(caller.tryCall(bytesOf("asked")));
}

// The bytes

test("a listener hands over two sealed memories, the forward one first", async () => {
  const path = newName();
  const sizes = ["--capacity", 4096, "--capacity-rev", 8192];
  const listener = startPeer(["answer", "--listen", "--path", path, ...sizes]);
  const socket = connectTo(path, soon());
  const { bytes, fds } = receive(socket, soon());
  const fields = "0010000000130000" + "0020000000230000" + "4000000001000000";
  assert.equal(hex(bytes), `4843415404000000${fields}`);
  libc.close(socket);
  assert.deepEqual(fds.map(libc.fileSize), [768 + 4096, 768 + 8192]);
  for (const fd of fds) assert.equal(libc.getSeals(fd) & requiredSeals, requiredSeals);
  const forward = Arena.map(fds[0] as number, 4096);
  const reverse = Arena.map(fds[1] as number, 8192);
  assert.equal(hex(forward.bytes.slice(0, 20)), "4843415404000000001000004000000002000000");
  assert.equal(hex(reverse.bytes.slice(0, 20)), "4843415404000000002000004000000002000000");
  const caller = new Caller(forward, reverse);
  caller.tryCall(bytesOf("a request"), 3);
  assert.deepEqual(caller.reply(soon())?.bytes, answerTo(bytesOf("a request")));
  caller.close();
  const report = await listener.report;
  assert.deepEqual([report.closed, report.peer, report.lastId], [true, process.pid, 1]);
  forward.close();
  reverse.close();
});

test("a request and its reply carry the same id at 16, and ids start at 1", () => {
  withEnds(family, family, ({ forward, reverse, caller, callee }) => {
    for (const at of [768, 896]) {
      caller.tryCall(bytesOf("hello"), 7);
      const id = (at - 768) / 128 + 1;
      const header = `05000000070000008000000000000000${`0${id}`}00000000000000`;
      assert.equal(hex(forward.bytes.slice(at, at + 64)), header.padEnd(128, "0"));
      assert.equal(hex(forward.bytes.slice(at + 64, at + 69)), hex(bytesOf("hello")));
      assert.equal(callee.tryRequest()?.correlationId, BigInt(id));
      callee.answer(BigInt(id), bytesOf("ok"), 9, soon());
      const reply = `02000000090000008000000000000000${`0${id}`}00000000000000`;
      assert.equal(hex(reverse.bytes.slice(at, at + 64)), reply.padEnd(128, "0"));
      assert.equal(textOf(caller.tryReply()?.bytes), "ok");
    }
    assert.equal(hex(forward.bytes.slice(136, 192)), "".padEnd(112, "0"));
  });
});

test("the lane carries the id at 152, in both directions", () => {
  withEnds({ lane: true }, { lane: true }, ({ forward, reverse, caller, callee }) => {
    callThrice(caller);
    assert.deepEqual(takeAll(callee), [1n, 2n, 3n]);
    assert.equal(hex(forward.bytes.slice(152, 160)), "0300000000000000");
    for (const id of [1n, 2n, 3n]) callee.answer(id, bytesOf(""), 0, soon());
    assert.equal(hex(reverse.bytes.slice(152, 160)), "0300000000000000");
    assert.deepEqual(readAll(caller), [1n, 2n, 3n]);
    caller.tryCall(bytesOf("alone"));
    assert.deepEqual([callee.tryRequest()?.via, callee.lastId], ["lane", 4n]);
    callee.answer(4n, bytesOf("alone"), 0, soon());
    assert.equal(caller.tryReply()?.via, "lane");
  });
});

test("the family declares nothing; ours declares in the reverse arena, and nowhere else", () => {
  const words = ({ forward, reverse }: Ends) =>
    [forward, reverse].flatMap(({ view }) => [
      view.getUint32(192, true),
      view.getUint32(268, true),
    ]);
  const cases: [RpcOptions, RpcOptions, number, number][] = [
    [family, family, 0, 0],
    [ours, family, 0, 5],
    [family, ours, 4, 0],
    [ours, ours, 4, 5],
  ];
  for (const [caller, callee, sends, takes] of cases) {
    withEnds(caller, callee, (ends) => assert.deepEqual(words(ends), [0, 0, sends, takes]));
  }
});

// The order of replies

for (const [caller, callee] of [
  [family, family],
  [family, ours],
  [ours, family],
] as const) {
  const who = `a callee of ${callee.ours ? "ours" : "the family"}`;
  const whom = `a caller of ${caller.ours ? "ours" : "the family"}`;
  test(`${who} holds a reply to ${whom} back until those before it are out`, () => {
    withEnds(caller, callee, (ends) => {
      callThrice(ends.caller);
      takeAll(ends.callee);
      for (const id of [3n, 2n]) ends.callee.answer(id, bytesOf(""), 0, soon());
      assert.equal(ends.reverse.head, 0n);
      ends.callee.answer(1n, bytesOf(""), 0, soon());
      assert.deepEqual(readAll(ends.caller), [1n, 2n, 3n]);
      assert.equal(ends.caller.overtaking, 0);
    });
  });
}

test("a callee of ours replies to a caller of ours in any order", () => {
  withEnds(ours, ours, ({ caller, callee }) => {
    callThrice(caller);
    takeAll(callee);
    for (const id of [2n, 3n, 1n]) callee.answer(id, bytesOf(""), 0, soon());
    assert.deepEqual(readAll(caller), [2n, 3n, 1n]);
    assert.equal(caller.overtaking, 2);
    assert.equal(caller.outstanding, 0);
  });
});

test("a caller of the family finds a reply out of order fatal, and says so in one arena", () => {
  withEnds(family, family, ({ forward, reverse, caller, callee }) => {
    callThrice(caller);
    lawfulReplies["replies-out-of-order"](callee, soon());
    assert.throws(() => caller.tryReply(), BrokenRpc);
    assert.deepEqual([forward.state, reverse.state], [states.ready, states.fatal]);
    assert.throws(() => {
      while (callee.request(soon()) !== null);
    }, /set the state 4/);
  });
});

// Failed replies

test("a failed reply is its text, or empty to a caller that does not take such replies", () => {
  for (const [caller, text] of [
    [ours, "no – never"],
    [family, ""],
  ] as const) {
    withEnds(caller, ours, (ends) => {
      callThrice(ends.caller);
      takeAll(ends.callee);
      ends.callee.fail(1n, "no – never", soon());
      assert.equal(ends.reverse.view.getUint32(772, true), 0xfffffffe);
      const reply = ends.caller.tryReply();
      assert.ok(reply && ends.caller.isFailure(reply));
      assert.equal(textOf(reply.bytes), text);
    });
  }
});

test("a reply of that type is an ordinary one where the callee declared nothing", () => {
  withEnds(ours, family, ({ caller, callee }) => {
    callThrice(caller);
    lawfulReplies["reply-of-the-failed-type"](callee, soon());
    const reply = caller.tryReply();
    assert.equal(reply?.typeId, failedTypeId);
    assert.equal(reply && caller.isFailure(reply), false);
  });
});

// Two processes

interface Play {
  both?: readonly string[];
  caller?: readonly string[];
  callee?: readonly string[];
  expect?: (called: Report, answered: Report) => void;
}

const plays: Record<string, Play> = {
  "one call at a time": {},
  "many in flight": { caller: ["--inflight", "64"] },
  "many in flight, published together": { both: ["--every", "32"], caller: ["--inflight", "64"] },
  "through small rings, of which one is smaller": {
    both: ["--size", "0-960", "--capacity", "4096", "--capacity-rev", "2048"],
    caller: ["--inflight", "100"],
  },
  "through small rings, of which the other is smaller": {
    both: ["--size", "0-960", "--capacity", "2048", "--capacity-rev", "4096", "--park"],
    caller: ["--inflight", "100"],
  },
  "with a lane": {
    both: ["--lane", "--size", "0-32"],
    expect: (called, answered) => {
      assert.ok((called.lane ?? 0) > 0);
      assert.ok((answered.lane ?? 0) > 0);
    },
  },
  "past 2 ** 53": { both: ["--start", String(2n ** 53n - 4096n)] },
  "as ours, in any order": {
    both: ["--ours", "--every", "32"],
    caller: ["--inflight", "16"],
    callee: ["--backlog", "8"],
    expect: (called) => assert.ok((called.overtaking ?? 0) > 0),
  },
  "as ours to a caller of the family": {
    caller: ["--inflight", "16"],
    callee: ["--backlog", "8", "--ours", "--fail-every", "10"],
    expect: (called) => assert.deepEqual([called.failures, called.failure], [30, ""]),
  },
  "as ours, and some calls fail": {
    both: ["--ours"],
    callee: ["--fail-every", "10"],
    expect: (called) =>
      assert.deepEqual([called.failures, called.failure], [30, "call 10 fails – as told"]),
  },
};

for (const [name, play] of Object.entries(plays)) {
  for (const listens of ["call", "answer"] as const) {
    test(`a ${thisRuntime} caller and a ${otherRuntime} callee talk ${name}; ${listens} listens`, () =>
      talk(listens, play));
  }
}

async function talk(listens: "call" | "answer", play: Play): Promise<void> {
  const size = ["--size", "0-300", "--capacity", "16384", "--capacity-rev", "32768"];
  const common = ["--path", newName(), "--seed", "11", ...size, ...(play.both ?? [])];
  const start = (command: "call" | "answer", runtime: Runtime, more: readonly string[] = []) => {
    const role = command === listens ? ["--listen"] : [];
    return startPeer([command, ...common, ...role, ...more], runtime);
  };
  const callee = start("answer", otherRuntime, play.callee);
  const caller = start("call", thisRuntime, ["--count", "300", ...(play.caller ?? [])]);
  try {
    const [called, answered] = await Promise.all([caller.report, callee.report]);
    assert.deepEqual([called.count, answered.count], [300, 300]);
    assert.deepEqual([called.lastId, answered.lastId], [300, 300]);
    assert.equal(called.checksum, answered.checksum);
    assert.equal(called.bytes, answered.bytes);
    assert.equal(called.failures, answered.failures);
    assert.deepEqual([called.closed, answered.closed], [false, true]);
    assert.deepEqual([called.peer, answered.peer], [callee.pid, caller.pid]);
    if (!play.both?.includes("--ours")) assert.equal(called.overtaking, 0);
    play.expect?.(called, answered);
  } finally {
    caller.kill();
    callee.kill();
  }
}

test("a callee closes after so many replies, with a request taken and not answered", async () => {
  const path = newName();
  const callee = startPeer(["answer", "--listen", "--path", path, "--count", 20, "--left", 1]);
  const caller = startPeer(["call", "--path", path, "--count", 100, "--inflight", 4]);
  const [answered, called] = await Promise.all([callee.report, caller.report]);
  assert.deepEqual([answered.count, answered.lastId, answered.closed], [20, 21, false]);
  assert.deepEqual([called.count, called.closed, called.state], [20, true, states.disconnected]);
});

test("a caller that dies leaves the replies that it did not read", async () => {
  const path = newName();
  const args = ["--path", path, "--count", 50, "--left", 5, "--end", "die"];
  const caller = startPeer(["call", "--listen", ...args]);
  const callee = startPeer(["answer", "--path", path, "--count", 50]);
  const [called, answered] = await Promise.all([caller.report, callee.report]);
  assert.deepEqual([called.count, called.lastId], [45, 50]);
  assert.equal(answered.count, 50);
});
