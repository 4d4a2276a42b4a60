/** Peers that change a message's size after it was looked at and before it is copied. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "../../ffi/table.ts";
import { serve } from "../../src/index.ts";
import type { Arena } from "../peer/arena.ts";
import { states } from "../peer/wire.ts";
import { behindCall } from "../support/native-calls.ts";
import { connectCaller, newRpcName, openClient, soon, until } from "../support/rpc-in-thread.ts";

const capacity = 1 << 16;
/** More than a receiver expects, and with room in its record for one more. */
const size = 5000;
const changes = { shrunk: size - 1, grown: size + 1 };

function corrupt(changed: number): object {
  const message = new RegExp(`record of ${size} bytes one of ${changed}, after its size was read`);
  return { name: "CorruptError", message };
}

/** Changes the size of the ring's first record as soon as it was looked at. */
function changingSize(arena: Arena, changed: number): Disposable {
  const size = new DataView(arena.ring.buffer, arena.ring.byteOffset);
  const change = (answer: unknown) => {
    if (answer === status.tooLarge) size.setUint32(0, changed, true);
  };
  const stack = new DisposableStack();
  stack.use(behindCall("zc_endpoint_try_receive", change));
  stack.use(behindCall("zc_endpoint_receive", change));
  return stack;
}

for (const [name, changed] of Object.entries(changes)) {
  for (const how of ["call", "callSync"] as const) {
    test(`${how} rejects as corrupt when its reply has ${name}`, async () => {
      using rpc = openClient({ ours: true }, {}, { reverse: capacity });
      const { client, callee, forward, reverse } = rpc;
      using _answer = behindCall("zc_rpc_try_send", () => {
        callee.request(soon());
        callee.replyNow(1n, new Uint8Array(size), 0, soon());
      });
      using _change = changingSize(reverse, changed);
      const call = async () => client[how](Uint8Array.of(1), { timeout: 5000 });
      await assert.rejects(call, corrupt(changed));
      assert.deepEqual([forward.state, reverse.state], [states.disconnected, states.fatal]);
    });
  }

  test(`serve drops a client as corrupt whose request has ${name}`, async () => {
    const left: unknown[] = [];
    await using server = await serve({
      path: newRpcName(),
      capacity,
      handler: ({ bytes }) => bytes,
      onClose: (_, error) => left.push(error),
    });
    using connected = await connectCaller(server.path);
    using _change = changingSize(connected.forward, changed);
    assert.ok(connected.caller.tryCall(new Uint8Array(size)));
    await until(() => left.length > 0, "for onClose");
    assert.throws(() => {
      throw left[0];
    }, corrupt(changed));
    assert.equal(connected.forward.state, states.fatal);
  });
}
