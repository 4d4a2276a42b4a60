/**
 * A message that does not fit is looked at twice: once for its size, once for its bytes. A peer that
 * changes the size in between has broken the ring.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "../../ffi/table.ts";
import type { Consumer } from "../../src/index.ts";
import type { Arena } from "../peer/arena.ts";
import { messageAt } from "../peer/content.ts";
import { states } from "../peer/wire.ts";
import { TestArena } from "../support/in-thread.ts";
import { behindCall } from "../support/native-calls.ts";

const capacity = 1 << 16;
/** More than a consumer expects, and with room in its record for one more. */
const size = 5000;
const timeout = 5000;
const changes = { shrunk: size - 1, grown: size + 1 };

function corrupt(changed: number): object {
  const message = new RegExp(`record of ${size} bytes one of ${changed}, after its size was read`);
  return { name: "CorruptError", message };
}

/** The first record of the ring. */
function changeSize(arena: Arena, changed: number): void {
  new DataView(arena.ring.buffer, arena.ring.byteOffset).setUint32(0, changed, true);
}

const into = new Uint8Array(capacity);

/** Each receives a message of any size. */
const receives: Record<string, (consumer: Consumer) => unknown> = {
  tryReceive: (consumer) => consumer.tryReceive(),
  receiveSync: (consumer) => consumer.receiveSync({ timeout }),
  receive: (consumer) => consumer.receive({ timeout }),
  tryReceiveInto: (consumer) => consumer.tryReceiveInto(into),
  receiveIntoSync: (consumer) => consumer.receiveIntoSync(into, { timeout }),
  tryDrain: (consumer) => consumer.tryDrain(),
  drainSync: (consumer) => consumer.drainSync(undefined, { timeout }),
};

for (const [how, receive] of Object.entries(receives)) {
  for (const [name, changed] of Object.entries(changes)) {
    test(`${how} finds a message ${name} whose size an error has told`, async () => {
      using memory = new TestArena({ capacity });
      const consumer = memory.consumer();
      memory.producer().trySend(messageAt(1, 0, size));
      const tooLarge = { name: "RangeError", message: new RegExp(`has ${size} bytes`) };
      assert.throws(() => consumer.tryReceiveInto(new Uint8Array(10)), tooLarge);
      changeSize(memory.arena, changed);
      await assert.rejects(async () => receive(consumer), corrupt(changed));
      assert.equal(memory.arena.state, states.fatal);
      await assert.rejects(async () => receive(consumer), corrupt(changed));
    });
  }

  test(`${how} takes a message that kept its size`, async () => {
    using memory = new TestArena({ capacity });
    const consumer = memory.consumer();
    memory.producer().trySend(messageAt(1, 0, size));
    for (let i = 0; i < 2; i++) assert.throws(() => consumer.tryReceiveInto(new Uint8Array(10)));
    assert.ok(await receive(consumer));
    assert.equal(memory.arena.state, states.ready);
  });
}

for (const how of ["tryReceive", "receiveSync", "receive"]) {
  for (const [name, changed] of Object.entries(changes)) {
    test(`${how} finds a message ${name} between its two looks`, async () => {
      using memory = new TestArena({ capacity });
      const consumer = memory.consumer();
      memory.producer().trySend(messageAt(1, 0, size));
      const change = (answer: unknown) => {
        if (answer === status.tooLarge) changeSize(memory.arena, changed);
      };
      using _try = behindCall("zc_endpoint_try_receive", change);
      using _wait = behindCall("zc_endpoint_receive", change);
      await assert.rejects(async () => receives[how]?.(consumer), corrupt(changed));
      assert.equal(memory.arena.state, states.fatal);
    });
  }
}
