/** A listener that lies: nothing of what it sends is taken, and nothing of it stays. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Consumer, Producer } from "../../src/index.ts";
import { Deadline } from "../peer/deadline.ts";
import { type HandshakeLie, handshakeLies } from "../peer/handshake-lies.ts";
import * as libc from "../peer/libc.ts";
import { acceptPeer, closeListener, openListener } from "../peer/rendezvous.ts";
import { startPeer } from "../peer/start.ts";
import {
  encodeHandshake,
  handshakeSize,
  honestHandshake,
  states,
  type Wire,
} from "../peer/wire.ts";
import { temporaryPaths } from "../support/folder.ts";
import { TestArena } from "../support/in-thread.ts";
import { addedDescriptors, openDescriptors } from "../support/memory.ts";

type Lie = keyof typeof handshakeLies;

const newPath = temporaryPaths();
const capacity = 65536;
const memorySize = 768 + capacity;

/** What the error says of a lie. Every lie has to be here, or the types do not hold. */
const findings: Record<Lie, RegExp | ((wire: Wire) => RegExp)> = {
  "wrong-magic": /begins with 0x21212121; expected 0x54414348/,
  "version-0": /version 0; expected 2, 3 or 4/,
  "version-1": /version 1; expected 2, 3 or 4/,
  "version-5": /version 5; expected 2, 3 or 4/,
  "alignment-0": /alignment of 0; expected 64/,
  "alignment-128": /alignment of 128; expected 64/,
  "unknown-flag": /flags 0x00000002; expected 0x00000000/,
  "highest-flag": /flags 0x80000000; expected 0x00000000/,
  "rev-not-zero": /65536; expected 0/,
  "rpc-with-one-descriptor": /flags 0x00000001; expected 0x00000000.*RPC/,
  "rpc-to-a-channel": /flags 0x00000001; expected 0x00000000.*RPC/,

  "capacity-0": /capacity of 0; expected a power of two/,
  "capacity-below-a-line": /capacity of 32; expected a power of two from 128 to 1073741824/,
  "capacity-no-power-of-two": /capacity of 12288; expected a power of two/,
  "capacity-above-the-file": new RegExp(`is ${memorySize} bytes; expected ${768 + 2 * capacity}`),
  "capacity-2-to-31": /capacity of 2147483648; expected a power of two.* to 1073741824/,
  "shm-size-too-small": new RegExp(`memory of ${memorySize - 64} bytes; expected ${memorySize}`),
  "shm-size-too-large": new RegExp(`memory of ${memorySize + 64} bytes; expected ${memorySize}`),
  "shm-size-0": new RegExp(`memory of 0 bytes; expected ${memorySize}`),
  "file-too-small": new RegExp(`is ${capacity} bytes; expected ${memorySize}`),
  "file-too-large": new RegExp(`is ${768 + 2 * capacity} bytes; expected ${memorySize}`),

  // The kernel may add a seal of its own, against execution.
  unsealed: /seals 0x[0-9a-f]{7}0; expected it sealed/,
  "not-sealed-against-shrinking": /seals 0x[0-9a-f]{7}5; expected it sealed/,
  "not-sealed-against-growing": /seals 0x[0-9a-f]{7}3; expected it sealed/,
  "not-sealed-against-sealing": /seals 0x[0-9a-f]{7}6; expected it sealed/,

  "no-descriptor": /sent 0 descriptors; expected 1/,
  "two-descriptors": /sent 2 descriptors; expected 1/,
  "hundred-descriptors": /sent 100 descriptors; expected 1/,
  // A file that was never to be sealed has no seal, or on tmpfs the one against sealing.
  "regular-file": /seals 0x0000000[01]; expected it sealed/,
  "read-only-memory": /cannot be written; expected it open for reading and writing/,
  pipe: /seals 0x00000000; expected it sealed/,
  "unconnected-socket": /seals 0x00000000; expected it sealed/,

  "closes-without-a-word": /closed the connection after 0 bytes of its handshake/,
  "cut-to-one-byte": /closed the connection after 1 bytes of its handshake/,
  "cut-to-magic-and-version": (wire) => cut(8, wire),
  "cut-by-four-bytes": (wire) => cut(handshakeSize(wire) - 4, wire),
  "cut-by-one-byte": (wire) => cut(handshakeSize(wire) - 1, wire),
  "trailing-bytes": (wire) => new RegExp(`more than the ${handshakeSize(wire)} bytes`),
  silence: /timed out.*sent 0 bytes of its handshake/,
  "half-and-silence": /timed out.*sent 12 bytes of its handshake/,

  "memory-magic": /magic in its memory is 555819297; expected 1413563208/,
  "memory-version": (wire) => new RegExp(`version in its memory is 5; expected ${wire}`),
  "memory-capacity": new RegExp(`capacity in its memory is ${2 * capacity}; expected ${capacity}`),
  "memory-alignment": /alignment in its memory is 128; expected 64/,
};

function cut(size: number, wire: Wire): RegExp {
  return new RegExp(`after ${size} bytes of its handshake; expected ${handshakeSize(wire)}`);
}

function mappedMemories(): string[] {
  const lines = readFileSync("/proc/self/maps", "utf8").split("\n");
  return lines.filter((line) => line.includes("zerocross-test"));
}

/** Asserts that connecting fails so, and leaves neither a descriptor nor a mapping. */
function assertRefused(connect: () => unknown, expected: { name: string; message: RegExp }): void {
  const descriptors = openDescriptors();
  const memories = mappedMemories();
  assert.throws(connect, expected);
  assert.deepEqual(addedDescriptors(descriptors), []);
  assert.deepEqual(mappedMemories(), memories);
}

for (const [name, lie] of Object.entries<HandshakeLie>(handshakeLies)) {
  // Wire 3 has the layout of wire 2.
  for (const wire of lie.wire === undefined ? ([2, 4] as const) : [lie.wire]) {
    test(`wire ${wire}: a listener that lies is refused: ${name}`, async () => {
      const path = newPath();
      const told = ["--what", name, "--wire", wire, "--capacity", capacity];
      const liar = startPeer(["lie", "--path", path, ...told]);
      const finding = findings[name as Lie];
      const message = finding instanceof RegExp ? finding : finding(wire);
      const isSilent = lie.staysSilent === true;
      const End = wire === 2 ? Producer : Consumer;
      assertRefused(() => End.connectSync(path, { timeout: isSilent ? 500 : 5000 }), {
        name: isSilent ? "TimeoutError" : "WireError",
        message,
      });
      await liar.report;
    });
  }
}

test("bytes that follow the handshake in a message of their own are found too", () => {
  const path = newPath();
  const listener = openListener(path);
  using memory = new TestArena({ capacity });
  const sendMore = () => {
    const socket = acceptPeer(listener, new Deadline(1000));
    libc.sendMessage(socket, encodeHandshake(4, honestHandshake(4, capacity)), [memory.arena.fd]);
    libc.sendMessage(socket, Uint8Array.of(1), [memory.arena.fd]);
    libc.close(socket);
    return true;
  };
  try {
    assertRefused(() => Consumer.connectSync(path, { timeout: 1000, authorize: sendMore }), {
      name: "WireError",
      message: /more than the 32 bytes/,
    });
  } finally {
    closeListener(listener, path);
  }
});

// Memory that no listener can have left like this

const control: Record<
  string,
  { write: (memory: TestArena) => void; name: string; message: RegExp }
> = {
  "a state that is not ready yet": {
    write: ({ arena }) => {
      arena.state = states.initialising;
    },
    name: "WireError",
    message: /state in its memory is 1; expected 2/,
  },
  "a state that does not exist": {
    write: ({ arena }) => {
      arena.state = 0xffffffff;
    },
    name: "WireError",
    message: /state in its memory is 4294967295; expected 2/,
  },
  "a head between two lines": {
    write: ({ arena }) => {
      arena.head = 8n;
    },
    name: "CorruptError",
    message: /head to 8; expected a multiple of 64/,
  },
  "a head beyond what the ring holds": {
    write: ({ arena }) => {
      arena.head = 2n * BigInt(arena.capacity);
    },
    name: "CorruptError",
    message: /moved (head|tail) to/,
  },
  "a tail beyond head": {
    write: ({ arena }) => {
      arena.tail = 64n;
    },
    name: "CorruptError",
    message: /tail to 64; expected a multiple of 64 up to 0/,
  },
  "a tail between two lines": {
    write: ({ arena }) => {
      arena.head = 128n;
      arena.tail = 8n;
    },
    name: "CorruptError",
    message: /tail to 8; expected a multiple of 64/,
  },
  "counters that are about to overflow": {
    write: ({ arena }) => {
      arena.head = 2n ** 64n - 64n;
      arena.tail = 2n ** 64n - 64n;
    },
    name: "CorruptError",
    message: /moved (head|tail) to 18446744073709/,
  },
};

for (const [what, { write, name, message }] of Object.entries(control)) {
  test(`memory with ${what} is refused, whichever end is wanted`, () => {
    using memory = new TestArena();
    write(memory);
    assertRefused(() => memory.consumer(), { name, message });
    assertRefused(() => memory.producer(), { name, message });
  });
}

test("memory whose listener has closed already is taken, and what it holds is received", () => {
  using memory = new TestArena();
  const producer = memory.producer();
  producer.sendSync(new TextEncoder().encode("before the end"));
  producer.close();
  assert.equal(memory.arena.state, states.disconnected);
  const consumer = memory.consumer();
  assert.equal(new TextDecoder().decode(consumer.tryReceive()?.bytes), "before the end");
  assert.equal(consumer.tryReceive(), null);
});
