/** The numbers of handles come round again: a closed end must not reach who has its number then. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { library } from "../../ffi/load.ts";
import { numbers } from "../../ffi/table.ts";
import { TestArena } from "../support/in-thread.ts";
import { behindCall } from "../support/native-calls.ts";

const generations = 2 ** 31 / numbers.handleCount - 1;

test("a closed producer does not write into the channel that has its number now", () => {
  using mine = new TestArena();
  using another = new TestArena();
  const [closed, handle] = withHandle(() => mine.producer());
  closed.close();
  comeRoundTo(handle);
  const [, second] = withHandle(() => another.producer());
  assert.equal(second, handle);
  assert.throws(() => closed.trySend(Uint8Array.of(1)), { name: "ClosedError" });
  assert.throws(() => closed.tryClaim(1), { name: "ClosedError" });
  assert.equal(another.arena.head, 0n);
});

test("a closed consumer takes nothing from the channel that has its number now", () => {
  using mine = new TestArena();
  using another = new TestArena();
  const [closed, handle] = withHandle(() => mine.consumer());
  closed.close();
  comeRoundTo(handle);
  const [consumer, second] = withHandle(() => another.consumer());
  assert.equal(second, handle);
  another.producer().sendSync(Uint8Array.of(7));
  assert.throws(() => closed.tryReceive(), { name: "ClosedError" });
  assert.throws(() => closed.tryReceiveInto(new Uint8Array(8)), { name: "ClosedError" });
  assert.throws(() => closed.tryDrain(), { name: "ClosedError" });
  assert.deepEqual(consumer.tryReceive()?.bytes, Uint8Array.of(7));
});

/** What `open` opens, and its number. */
function withHandle<End>(open: () => End): [End, number] {
  let handle = 0;
  using _spy = behindCall("zc_endpoint_open", (answer) => {
    handle = answer as number;
  });
  return [open(), handle];
}

/** Opens and closes handles until the next one is `handle` again. */
function comeRoundTo(handle: number): void {
  const { calls } = library();
  for (let left = generations - 1; left > 0; left--) {
    const opened = calls.zc_endpoint_open();
    assert.equal(
      opened % numbers.handleCount,
      handle % numbers.handleCount,
      "another slot is free",
    );
    calls.zc_endpoint_close(opened);
  }
}
