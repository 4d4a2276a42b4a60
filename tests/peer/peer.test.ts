/** The test peer against itself: before it judges the library, it must agree with the description. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { Arena, requiredSeals } from "./arena.ts";
import { Consumer, CorruptRing } from "./consumer.ts";
import { messageAt } from "./content.ts";
import { Deadline } from "./deadline.ts";
import { handshakeLies } from "./handshake-lies.ts";
import * as libc from "./libc.ts";
import { openMemories } from "./memories.ts";
import { Producer } from "./producer.ts";
import { connectOnce, connectTo, receive } from "./rendezvous.ts";
import { consumerLies, harmlessLies, packedLies, producerLies } from "./running-lies.ts";
import { type Runtime, startPeer, thisRuntime } from "./start.ts";
import { encodeHandshake, honestHandshake, offsets, states, type Wire } from "./wire.ts";

const folder = mkdtempSync(join(tmpdir(), "zerocross-peer-"));
after(() => rmSync(folder, { recursive: true }));

let paths = 0;
const newPath = () => join(folder, `socket-${paths++}`);
const soon = () => new Deadline(5000);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytesOf = (text: string) => new TextEncoder().encode(text);
const wires: readonly Wire[] = [2, 3, 4];
const otherRuntime: Runtime = thisRuntime === "bun" ? "deno" : "bun";

function withArena(options: { capacity?: number; start?: bigint }, body: (arena: Arena) => void) {
  const arena = Arena.create(options.capacity ?? 4096, options);
  try {
    body(arena);
  } finally {
    arena.close();
  }
}

test("a handshake is the bytes of the table in every wire", () => {
  const [v2, v3, v4] = wires.map((wire) => encodeHandshake(wire, honestHandshake(wire, 65536)));
  assert.equal(hex(v2 as Uint8Array), "4843415402000000000001000003010040000000");
  assert.equal(hex(v3 as Uint8Array), "4843415403000000000001000003010040000000");
  assert.equal(
    hex(v4 as Uint8Array),
    "4843415404000000000001000003010000000000000000004000000000000000",
  );
  assert.equal(
    hex(encodeHandshake(4, honestHandshake(4, 4096, 8192))),
    "4843415404000000001000000013000000200000002300004000000001000000",
  );
});

for (const wire of wires) {
  test(`a listener of wire ${wire} hands over one sealed memory and unlinks the path`, async () => {
    const path = newPath();
    const listener = startPeer(["produce", "--listen", "--path", path, "--wire", wire]);
    const socket = connectTo(path, soon());
    const { bytes, fds } = receive(socket, soon());
    assert.equal(hex(bytes), hex(encodeHandshake(wire, honestHandshake(wire, 65536))));
    assert.equal(fds.length, 1);
    assert.equal(receive(socket, soon()).bytes.length, 0);
    libc.close(socket);
    assert.equal((await listener.report).peer, process.pid);
    assert.equal(existsSync(path), false);
    const fd = fds[0] as number;
    assert.equal(libc.fileSize(fd), 768 + 65536);
    assert.equal(libc.getSeals(fd) & requiredSeals, requiredSeals);
    const arena = Arena.map(fd, 65536);
    const control = hex(arena.bytes.slice(0, 20));
    assert.equal(control, `48434154${`0${wire}`}000000000001004000000003000000`);
    arena.close();
  });
}

test("a record is one header line and its payload from the next line on", () => {
  withArena({}, (arena) => {
    const producer = new Producer(arena);
    assert.ok(producer.tryStage(bytesOf("hello"), 0x00020007, 9n));
    assert.equal(arena.view.getBigUint64(128, true), 0n);
    producer.publish();
    assert.equal(arena.view.getBigUint64(128, true), 128n);
    const header = "05000000070002008000000000000000" + "0900000000000000";
    assert.equal(hex(arena.bytes.slice(768, 768 + 64)), header.padEnd(128, "0"));
    assert.equal(hex(arena.bytes.slice(832, 837)), hex(bytesOf("hello")));
  });
});

test("a record that does not fit before the end leaves a skip line and starts at 0", () => {
  withArena({}, (arena) => {
    const producer = new Producer(arena);
    const consumer = new Consumer(arena);
    for (let i = 0; i < 2; i++) assert.ok(producer.trySend(messageAt(1, i, 1900)));
    for (let i = 0; i < 2; i++) assert.equal(consumer.tryReceive()?.bytes.length, 1900);
    assert.equal(producer.position, 3968n);
    assert.ok(producer.trySend(bytesOf("again at the start".repeat(9)), 3));
    assert.equal(hex(arena.ring.slice(3968, 4032)), "ffffffff".padEnd(128, "0"));
    assert.equal(arena.head, 4096n + 256n);
    assert.equal(arena.view.getUint32(768, true), 162);
    assert.equal(consumer.tryReceive()?.typeId, 3);
  });
});

test("a lone small message lies in head's line as well, and is read from there", () => {
  withArena({}, (arena) => {
    const producer = new Producer(arena, { lane: true });
    const consumer = new Consumer(arena, { lane: true });
    producer.trySend(bytesOf("32 bytes, not one more than that"), 5);
    const lane = `8000000000000000${"20000000"}${"05000000"}${"0000000000000000"}`;
    assert.equal(hex(arena.bytes.slice(136, 160)), lane);
    assert.equal(hex(arena.bytes.slice(160, 192)), hex(arena.bytes.slice(832, 864)));
    assert.equal(consumer.tryReceive()?.via, "lane");
    producer.tryStage(bytesOf("one"));
    producer.tryStage(bytesOf("two"));
    producer.publish();
    assert.deepEqual([consumer.tryReceive()?.via, consumer.tryReceive()?.via], ["ring", "ring"]);
    producer.trySend(messageAt(1, 1, 33));
    assert.equal(consumer.tryReceive()?.via, "ring");
    assert.equal(arena.laneHead, 128n);
  });
});

test("packed messages share one record and are handed out one by one", () => {
  withArena({}, (arena) => {
    const producer = new Producer(arena, { packed: true });
    assert.equal(producer.consumerTakesPacked, false);
    const consumer = new Consumer(arena, { packed: true });
    assert.equal(producer.consumerTakesPacked, true);
    assert.equal(arena.view.getUint32(192, true), 2);
    assert.equal(arena.view.getUint32(268, true), 2);
    producer.tryStagePacked([
      { bytes: bytesOf("hello"), typeId: 1 },
      { bytes: bytesOf(""), typeId: 2 },
    ]);
    producer.publish();
    assert.equal(hex(arena.bytes.slice(768, 780)), "18000000ffffffff80000000");
    const entries = `0500000001000000${hex(bytesOf("hello"))}0000000000000002000000`;
    assert.equal(hex(arena.bytes.slice(832, 856)), entries);
    assert.equal(consumer.tryReceive()?.typeId, 1);
    consumer.release();
    assert.equal(arena.tail, 0n);
    assert.equal(consumer.tryReceive()?.typeId, 2);
    consumer.release();
    assert.equal(arena.tail, 128n);
  });
});

test("a record of the packed type is an ordinary one when its producer declared nothing", () => {
  withArena({}, (arena) => {
    const producer = new Producer(arena);
    const consumer = new Consumer(arena, { packed: true });
    producer.trySend(bytesOf("foreign"), 0xffffffff);
    const message = consumer.tryReceive();
    assert.equal(message?.via, "ring");
    assert.equal(hex(message?.bytes ?? bytesOf("")), hex(bytesOf("foreign")));
  });
});

test("a record of which less was committed than claimed is walked by what it reserved", () => {
  withArena({}, (arena) => {
    const producer = new Producer(arena);
    const consumer = new Consumer(arena, { lane: true });
    producer.tryStage(bytesOf("short"), 0, 0n, 1024);
    producer.tryStage(bytesOf("next"));
    producer.publish();
    assert.equal(consumer.tryReceive()?.bytes.length, 5);
    assert.equal(consumer.position, 1024n);
    assert.equal(consumer.tryReceive()?.bytes.length, 4);
  });
});

test("tail is stored with every 32nd record, with a quarter of the ring, and before a wait", () => {
  withArena({ capacity: 65536 }, (arena) => {
    const producer = new Producer(arena);
    const consumer = new Consumer(arena);
    for (let i = 0; i < 33; i++) producer.trySend(bytesOf(""));
    for (let i = 0; i < 31; i++) consumer.tryReceive();
    assert.equal(arena.tail, 0n);
    consumer.tryReceive();
    assert.equal(arena.tail, 32n * 64n);
    consumer.tryReceive();
    assert.equal(consumer.tryReceive(), undefined);
    assert.equal(arena.tail, 33n * 64n);
    producer.trySend(messageAt(1, 0, 16384));
    consumer.tryReceive();
    assert.equal(arena.tail, 33n * 64n + 16384n + 64n);
  });
});

test("messages of every size cross a small ring at every offset, also near 2 ** 32 and 2 ** 53", () => {
  for (const start of [0n, 2n ** 32n - 4096n, 2n ** 53n - 4096n]) {
    withArena({ start }, (arena) => {
      const producer = new Producer(arena, { lane: true });
      const consumer = new Consumer(arena, { lane: true });
      for (let size = 0; size <= 1984; size++) {
        const sent = messageAt(7, size, size);
        assert.ok(producer.trySend(sent), `size ${size} from ${start}`);
        assert.deepEqual(consumer.tryReceive()?.bytes, sent);
        assert.equal(consumer.tryReceive(), undefined);
      }
      assert.throws(() => producer.trySend(new Uint8Array(1985)), RangeError);
    });
  }
});

interface Play {
  both?: readonly string[];
  producer?: readonly string[];
  consumer?: readonly string[];
}

const plays: Record<string, Play> = {
  "plainly, as the family does": { producer: ["--every", "32"] },
  "with a lane": { both: ["--lane", "--size", "0-32"] },
  packed: { both: ["--packed", "--size", "0-100"] },
  "with all additions on both sides": { both: ["--lane", "--packed", "--park"] },
  "with all additions to a consumer of the family": { producer: ["--lane", "--packed", "--park"] },
  "from a family producer to all additions": { consumer: ["--lane", "--packed", "--park"] },
  "through a small ring": { both: ["--size", "0-1984"], producer: ["--capacity", "4096"] },
  "to a consumer that never sleeps": { consumer: ["--spin"] },
  "past 2 ** 53": { producer: ["--start", String(2n ** 53n - 65536n)] },
};

// Neither the additions nor the runtimes depend on the wire, so each wire is played by another pair.
const pairs: Record<Wire, [Runtime, Runtime]> = {
  2: [otherRuntime, thisRuntime],
  3: [thisRuntime, thisRuntime],
  4: [thisRuntime, otherRuntime],
};

for (const [name, play] of Object.entries(plays)) {
  for (const wire of wires) {
    const [from, to] = pairs[wire];
    test(`wire ${wire}: a ${from} producer and a ${to} consumer talk ${name}`, () =>
      talk(from, to, wire, play));
  }
}

async function talk(from: Runtime, to: Runtime, wire: Wire, play: Play): Promise<void> {
  const common = ["--path", newPath(), "--seed", "11", ...(play.both ?? [])];
  const listening = [...common, "--listen", "--wire", String(wire), "--count", "500"];
  const producer = startPeer(["produce", ...listening, ...(play.producer ?? [])], from);
  const consumer = startPeer(["consume", ...common, ...(play.consumer ?? [])], to);
  try {
    const [sent, received] = await Promise.all([producer.report, consumer.report]);
    assert.equal(received.count, 500);
    assert.equal(received.bytes, sent.bytes);
    assert.equal(received.checksum, sent.checksum);
    assert.equal(received.packed, sent.packed);
    assert.equal(received.closed, true);
    assert.deepEqual([sent.peer, received.peer], [consumer.pid, producer.pid]);
    assert.equal(play.both?.includes("--packed") ?? false, (sent.packed ?? 0) > 0);
  } finally {
    producer.kill();
    consumer.kill();
  }
}

test("a consumer may own the memory, and a name may be abstract", async () => {
  const path = `@zerocross-peer-${process.pid}`;
  const consumer = startPeer(["consume", "--listen", "--path", path, "--packed"]);
  const producer = startPeer(["produce", "--path", path, "--packed", "--count", 100]);
  const [received, sent] = await Promise.all([consumer.report, producer.report]);
  assert.equal(received.count, 100);
  assert.equal(sent.packed, 100);
});

test("what a producer published before it was killed is all received", async () => {
  const path = newPath();
  const args = ["--path", path, "--count", 200];
  const producer = startPeer(["produce", "--listen", "--end", "die", ...args]);
  const consumer = startPeer(["consume", ...args]);
  const [sent, received] = await Promise.all([producer.report, consumer.report]);
  assert.equal(received.checksum, sent.checksum);
  assert.equal(received.closed, false);
});

for (const [name, lie] of Object.entries(producerLies)) {
  test(`the consumer finds the producer's lie "${name}" after the good messages`, () => {
    withArena({}, (arena) => {
      const isPacked = (packedLies as string[]).includes(name);
      const producer = new Producer(arena);
      const consumer = new Consumer(arena, { lane: true, packed: isPacked });
      for (let i = 0; i < 3; i++) producer.trySend(messageAt(1, i, 32));
      for (let i = 0; i < 3; i++) assert.ok(consumer.tryReceive());
      assert.equal(consumer.tryReceive(), undefined);
      lie(producer);
      assert.throws(() => consumer.tryReceive(), CorruptRing);
      assert.equal(arena.state, states.fatal);
    });
  });
}

for (const [name, lie] of Object.entries(harmlessLies)) {
  test(`the consumer is not misled by the producer's lie "${name}"`, () => {
    withArena({}, (arena) => {
      const producer = new Producer(arena);
      const consumer = new Consumer(arena, { lane: true, packed: true });
      for (const size of [1, 32, 33, 500]) {
        const bytes = messageAt(1, size, size);
        lie(producer, { bytes, typeId: 4 });
        assert.deepEqual(consumer.tryReceive()?.bytes, bytes);
      }
      assert.equal(consumer.tryReceive(), undefined);
    });
  });
}

for (const name of Object.keys(consumerLies)) {
  test(`the producer finds the consumer's lie "${name}"`, async () => {
    const path = newPath();
    const liar = startPeer(["lie", "--what", name, "--listen", "--path", path]);
    const { arenas } = connectOnce(path, soon());
    const arena = arenas[0] as Arena;
    const producer = new Producer(arena);
    const sendForEver = () => {
      const deadline = soon();
      for (let i = 0; ; i++) producer.send(messageAt(1, i, 32), 1, deadline);
    };
    assert.throws(sendForEver, /tail lies/);
    assert.equal((await liar.report).state, states.fatal);
    arena.close();
  });
}

test("every lie at the handshake is refused and leaves no descriptor behind", async () => {
  const { "rpc-to-a-channel": _, ...refused } = handshakeLies;
  const names = Object.keys(refused);
  const liars = names.map((name) => ({ name, path: newPath() }));
  // A few at a time, since each is a process that takes a moment to start.
  for (let i = 0; i < liars.length; i += 8) {
    const some = liars.slice(i, i + 8).map(({ name, path }) => {
      const liar = startPeer(["lie", "--what", name, "--path", path, "--good", 0]);
      return { name, path, liar };
    });
    for (const { name, path, liar } of some) {
      const isSilent = name.endsWith("silence");
      const deadline = isSilent ? new Deadline(500) : soon();
      assert.throws(() => connectOnce(path, deadline), Error, name);
      await liar.report;
    }
  }
  assert.deepEqual(openMemories(), []);
});

test("an offer of RPC brings a forward and a reverse arena", async () => {
  const path = newPath();
  const liar = startPeer(["lie", "--what", "rpc-to-a-channel", "--path", path]);
  const socket = connectTo(path, soon());
  const { fds } = receive(socket, soon());
  libc.close(socket);
  assert.equal(fds.length, 2);
  for (const fd of fds) libc.close(fd);
  await liar.report;
});

test("a sleeping consumer says so, and the word goes back when it is awake", () => {
  withArena({}, (arena) => {
    const consumer = new Consumer(arena);
    assert.throws(() => consumer.receive(new Deadline(50)), /for a message/);
    assert.equal(arena.load32(offsets.consumerSleeping), 0);
    new Consumer(arena, { neverSleeps: true });
    assert.equal(arena.view.getUint32(384, true), 2);
  });
});
