/** Who meets whom, who is sent away, and how long anybody waits. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { Consumer, type Peer, Producer } from "../../src/index.ts";
import { Deadline } from "../peer/deadline.ts";
import { connectorLies } from "../peer/handshake-lies.ts";
import * as libc from "../peer/libc.ts";
import { acceptPeer, closeListener, connectTo, openListener, receive } from "../peer/rendezvous.ts";
import { type PeerProcess, startPeer } from "../peer/start.ts";
import { encodeHandshake, honestHandshake } from "../peer/wire.ts";
import type { MeetArguments, Meeting } from "../programs/meet.ts";
import { temporaryPaths } from "../support/folder.ts";
import { addedDescriptors, openDescriptors } from "../support/memory.ts";
import { startProgram } from "../support/program.ts";

const newPath = temporaryPaths();
const newName = () => `@zerocross-rendezvous-${process.pid}-${names++}`;
let names = 0;

const nobody = 65534;
const timeout = 5000;
/** How much later than it should a wait may end on a busy machine. */
const lateness = 1500;

const startMeet = (args: MeetArguments) => startProgram("meet", args);
const startConsumer = (path: string) => startPeer(["consume", "--path", path]);
const here: Peer = {
  pid: process.pid,
  uid: process.geteuid?.() ?? -1,
  gid: process.getegid?.() ?? -1,
};

const isRoot = process.geteuid?.() === 0;
const asRoot = { skip: isRoot ? false : "only root can start a process of another user" };

/** A listener that accepts nobody: connecting to it succeeds, and then nothing is heard of it. */
function withSilentListener(body: (path: string, listener: number) => void): void {
  const path = newPath();
  const listener = openListener(path);
  try {
    body(path, listener);
  } finally {
    closeListener(listener, path);
  }
}

/** Asserts that `wait` ends with a TimeoutError, after `timeoutMs` and not much later. */
function assertTimesOut(timeoutMs: number, message: RegExp, wait: () => unknown): void {
  const start = performance.now();
  assert.throws(wait, { name: "TimeoutError", message });
  const elapsed = performance.now() - start;
  assert.ok(elapsed >= timeoutMs - 1, `it took only ${elapsed} ms`);
  assert.ok(elapsed < timeoutMs + lateness, `it took ${elapsed} ms`);
}

// Who it is

test("both sides know each other by what the kernel says", async () => {
  const path = newPath();
  using child = startMeet({ path, how: "connect", end: "consumer" });
  const asked: Peer[] = [];
  const authorize = (peer: Peer) => asked.push(peer) > 0;
  using producer = Producer.listenSync(path, { timeout, authorize });
  producer.sendSync(new Uint8Array());
  assert.deepEqual(asked, [{ ...here, pid: child.pid }]);
  assert.deepEqual(producer.peer, asked[0]);
  assert.deepEqual((await child.next<Meeting>()).peer, here);
});

test("a connector's authorize is asked about the listener", async () => {
  const path = newPath();
  using child = startMeet({ path, how: "listen", end: "producer" });
  const asked: Peer[] = [];
  const authorize = (peer: Peer) => asked.push(peer) > 0;
  using consumer = Consumer.connectSync(path, { timeout, authorize });
  assert.deepEqual(asked, [{ ...here, pid: child.pid }]);
  assert.deepEqual(consumer.peer, asked[0]);
  assert.deepEqual((await child.next<Meeting>()).peer, here);
});

test("a listener that authorize refuses is named, and hung up on", () => {
  withSilentListener((path, listener) => {
    assert.throws(() => Consumer.connectSync(path, { timeout, authorize: () => false }), {
      name: "UnauthorizedError",
      message: new RegExp(`\\(${path}\\).*pid ${here.pid}, uid ${here.uid}, gid ${here.gid}`),
    });
    const socket = acceptPeer(listener, new Deadline(timeout));
    assert.equal(receive(socket, new Deadline(timeout)).bytes.length, 0);
    libc.close(socket);
  });
});

test(
  "without authorize a listener sends another user away and waits for its own",
  asRoot,
  async () => {
    const path = newName();
    using listener = startMeet({ path, how: "listen", end: "producer" });
    const stranger = { path, how: "connect", end: "consumer", user: nobody, trusts: true } as const;
    using refused = startMeet(stranger);
    const { error } = await refused.next<Meeting>();
    assert.equal(error?.name, "WireError");
    assert.match(error?.message ?? "", /after 0 bytes.*may have refused this process/);
    using consumer = Consumer.connectSync(path, { timeout });
    assert.equal(consumer.peer.pid, listener.pid);
  },
);

test("without authorize a connector refuses a listener of another user", asRoot, async () => {
  const path = newName();
  using stranger = startMeet({ path, how: "listen", end: "producer", user: nobody, trusts: true });
  assert.throws(() => Consumer.connectSync(path, { timeout }), {
    name: "UnauthorizedError",
    message: new RegExp(`pid ${stranger.pid}, uid ${nobody}, gid ${nobody}.*same user`),
  });
});

test("what authorize throws ends the rendezvous and reaches the caller", () => {
  const trouble = new Error("trouble");
  const authorize = () => {
    throw trouble;
  };
  withSilentListener((path) => {
    assert.throws(
      () => Consumer.connectSync(path, { timeout, authorize }),
      (error) => error === trouble,
    );
  });
});

// Who does not end the listening

test("a stranger whom authorize refuses does not end the listening", async () => {
  const path = newPath();
  const stranger = startConsumer(path);
  let next: PeerProcess | undefined;
  const asked: number[] = [];
  const authorize = ({ pid }: Peer) => {
    asked.push(pid);
    next ??= startConsumer(path);
    return pid !== stranger.pid;
  };
  const producer = Producer.listenSync(path, { timeout, authorize });
  assert.deepEqual(asked, [stranger.pid, next?.pid]);
  producer.close();
  assert.equal((await next?.report)?.closed, true);
  await assert.rejects(stranger.report, /a handshake of 0 bytes/);
});

/** Blocks until a child is dead; it is not reaped before the event loop turns. */
function untilDead(pid: number): void {
  const deadline = new Deadline(timeout);
  const state = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];
  const isDead = () => !existsSync(`/proc/${pid}`) || state() === "Z";
  while (!isDead()) {
    deadline.check(`for process ${pid} to end`);
    libc.sleep(1);
  }
}

for (const lie of ["closes-at-once", "writes-first"] satisfies (keyof typeof connectorLies)[]) {
  test(`a connector that goes away ("${lie}") does not end the listening`, async () => {
    const path = newPath();
    const liar = startPeer(["lie", "--what", lie, "--path", path]);
    let next: PeerProcess | undefined;
    const authorize = ({ pid }: Peer) => {
      if (next !== undefined) return true;
      assert.equal(pid, liar.pid);
      untilDead(pid);
      next = startConsumer(path);
      return true;
    };
    const producer = Producer.listenSync(path, { timeout, authorize });
    assert.equal(producer.peer.pid, next?.pid);
    producer.close();
    assert.equal((await next?.report)?.closed, true);
    await liar.report;
  });
}

test("a connector that leaves without reading the handshake does not end the listening", async () => {
  const path = newPath();
  const liar = startPeer(["lie", "--what", "takes-nothing-and-leaves", "--path", path]);
  let next: PeerProcess | undefined;
  const authorize = () => {
    next ??= startConsumer(path);
    return true;
  };
  const producer = Producer.listenSync(path, { timeout, authorize });
  try {
    assert.equal(producer.peer.pid, next?.pid);
  } finally {
    producer.close();
    next?.kill();
  }
  await liar.report;
});

test("a connector that took the memory and died is known to be dead", async () => {
  const path = newPath();
  const liar = startPeer(["lie", "--what", "takes-the-memory-and-leaves", "--path", path]);
  using consumer = Consumer.listenSync(path, { timeout });
  assert.equal(consumer.peer.pid, liar.pid);
  assert.throws(() => consumer.receiveSync({ timeout }), { name: "PeerDiedError" });
  await liar.report;
});

test("every way in which a connector goes away is tried above", () => {
  assert.deepEqual(Object.keys(connectorLies).sort(), [
    "closes-at-once",
    "takes-nothing-and-leaves",
    "takes-the-memory-and-leaves",
    "writes-first",
  ]);
});

// How long a listener waits

for (const timeoutMs of [0, 50]) {
  test(`a listener with a timeout of ${timeoutMs} ms waits no longer`, () => {
    const listen = () => Consumer.listenSync(newPath(), { timeout: timeoutMs });
    assertTimesOut(timeoutMs, /listening \(.*timed out/, listen);
  });
}

test("strangers that never stop coming do not prolong a listener's timeout", async () => {
  const path = newPath();
  const first = startConsumer(path);
  // Long enough for the first one's process to start.
  const patience = 1000;
  const tooLate = new Deadline(patience + lateness);
  let refused = 0;
  let queued = -1;
  // While one is refused the next one connects, so that the queue is never empty.
  const authorize = () => {
    refused++;
    if (queued >= 0) libc.close(queued);
    queued = tooLate.remainingMs > 0 ? connectTo(path, tooLate) : -1;
    return false;
  };
  const listen = () => Consumer.listenSync(path, { timeout: patience, authorize });
  assertTimesOut(patience, /timed out/, listen);
  assert.ok(refused > 16, `only ${refused} strangers came`);
  assert.equal(existsSync(path), false);
  if (queued >= 0) libc.close(queued);
  await assert.rejects(first.report, /a handshake of 0 bytes/);
});

// How long a connector waits

/** What a connector may meet that is otherwise a moment later. */
const notYet: Record<string, { errno: string; prepare: (path: string) => Disposable }> = {
  "a path where nothing is": {
    errno: "ENOENT",
    prepare: () => ({ [Symbol.dispose]() {} }),
  },
  "a socket that nobody listens on": {
    errno: "ECONNREFUSED",
    prepare: (path) => {
      const listener = openListener(path);
      libc.close(listener);
      return { [Symbol.dispose]: () => libc.unlink(path) };
    },
  },
  "a listener whose queue is full": {
    errno: "EAGAIN",
    prepare: (path) => {
      const listener = openListener(path);
      const queued = [
        connectTo(path, new Deadline(timeout)),
        connectTo(path, new Deadline(timeout)),
      ];
      return {
        [Symbol.dispose]: () => {
          for (const socket of queued) libc.close(socket);
          closeListener(listener, path);
        },
      };
    },
  },
};

for (const [what, { errno, prepare }] of Object.entries(notYet)) {
  test(`with retry a connector waits at ${what}, until its timeout`, () => {
    const path = newPath();
    using _ = prepare(path);
    const message = new RegExp(`connecting \\(${path}\\).*${errno}.*Start the listener`);
    assertTimesOut(60, message, () => Consumer.connectSync(path, { timeout: 60 }));
  });

  test(`without retry a connector fails at once at ${what}`, () => {
    const path = newPath();
    using _ = prepare(path);
    const start = performance.now();
    assert.throws(() => Consumer.connectSync(path, { timeout, retry: false }), {
      name: "SystemError",
      syscall: "connect",
      errno,
      message: new RegExp(`connecting \\(${path}\\).*${errno}.*retry`),
    });
    assert.ok(performance.now() - start < timeout / 2);
  });
}

for (const stale of [false, true]) {
  const where = stale ? "a file that nobody listens on" : "a path where nothing is";
  test(`a connector that came first, to ${where}, meets the listener that comes`, () => {
    const path = newPath();
    if (stale) libc.close(openListener(path));
    using listener = startMeet({ path, how: "listen", end: "producer" });
    assert.equal(existsSync(path), stale);
    using consumer = Consumer.connectSync(path, { timeout });
    assert.equal(consumer.peer.pid, listener.pid);
    assert.equal(consumer.receiveSync({ timeout })?.bytes.length, "hello".length);
  });
}

for (const retry of [true, false]) {
  test(`a listener that says nothing is given up after the timeout, ${retry ? "with" : "without"} retry`, () => {
    withSilentListener((path) => {
      const connect = () => Consumer.connectSync(path, { timeout: 100, retry });
      assertTimesOut(100, /sent 0 bytes of its handshake/, connect);
    });
  });
}

test("half a handshake and then silence is given up after the timeout", () => {
  withSilentListener((path, listener) => {
    let socket = -1;
    const sendHalf = () => {
      socket = acceptPeer(listener, new Deadline(timeout));
      const handshake = encodeHandshake(4, honestHandshake(4, 4096));
      libc.sendMessage(socket, handshake.subarray(0, 16), []);
      return true;
    };
    const connect = () => Consumer.connectSync(path, { timeout: 100, authorize: sendHalf });
    assertTimesOut(100, /sent 16 bytes of its handshake/, connect);
    libc.close(socket);
  });
});

test("a handshake that comes byte by byte does not prolong the timeout", async () => {
  const path = newPath();
  using trickle = startProgram("trickle", { path, everyMs: 200 });
  await trickle.next<string>();
  const connect = () => Consumer.connectSync(path, { timeout: 300 });
  assertTimesOut(300, /sent \d+ bytes of its handshake/, connect);
});

// What a rendezvous that failed leaves

test("a rendezvous that fails leaves no descriptor", () => {
  withSilentListener((path) => {
    const failures = [
      () => Consumer.listenSync(path, { timeout: 1 }),
      () => Consumer.listenSync(newPath(), { timeout: 1 }),
      () => Consumer.listenSync(newName(), { timeout: 1 }),
      () => Consumer.listenSync("/proc/a.sock", { timeout: 1 }),
      () => Consumer.connectSync(newPath(), { timeout: 1 }),
      () => Consumer.connectSync(newPath(), { retry: false }),
      () => Consumer.connectSync(path, { timeout: 1, authorize: () => false }),
    ];
    const before = openDescriptors();
    for (const fail of failures) {
      for (let i = 0; i < 3; i++) assert.throws(fail);
      assert.deepEqual(addedDescriptors(before), [], String(fail));
    }
  });
});
