/** Views of shared memory that outlive what they show, and what the garbage collector gives back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openChannel } from "../support/in-thread.ts";
import { addedDescriptors, channelMappings, openDescriptors } from "../support/memory.ts";
import { startProgram, thisRuntime } from "../support/program.ts";

/** What tests/programs/views.ts saw, in a process of its own since it may fault. */
async function play(scene: string): Promise<unknown> {
  const denoFlags = ["--allow-all", "--v8-flags=--expose-gc"];
  using program = startProgram("views", { scene }, { runtime: thisRuntime, denoFlags });
  return await program.next();
}

test("a view that is kept past release shows other bytes and does not fault", async () => {
  assert.deepEqual(await play("keepPastRelease"), { count: 21, changed: true });
});

test("a view that is kept past close shows zeros and takes writes, which reach nobody", async () => {
  const expected = { mappings: 0, zeros: true, reachedPeer: false };
  assert.deepEqual(await play("keepPastClose"), expected);
});

test("a buffer that was transferred away is as safe as one that was not", async () => {
  assert.deepEqual(await play("transfer"), { before: 1, zeros: true });
});

test("a buffer that was transferred away before close never sees another channel", async () => {
  assert.deepEqual(await play("transferAndClose"), { cutOff: [true, true] });
});

test("a buffer that was transferred away from a channel that is garbage never sees another", async () => {
  assert.deepEqual(await play("transferAndDrop"), { closed: true, cutOff: true });
});

test("close gives the memory back, and after the last view its addresses are used again", async () => {
  const expected = { kept: true, mappings: 0, reused: true };
  assert.deepEqual(await play("giveBack"), expected);
});

for (const end of ["Producer", "Consumer"]) {
  test(`a ${end} that is garbage closes its channel, though a view is kept`, async () => {
    assert.deepEqual(await play(`drop${end}`), { closed: true, zeros: true, mappings: 0 });
  });
}

test("views hold so many closed channels that no more can be opened, until they are dropped", async () => {
  const { code, held, opensAgain } = (await play("tooMany")) as Record<string, unknown>;
  assert.equal(code, "ERR_ZEROCROSS_TOO_MANY");
  assert.ok(Number(held) > 4000, `${held} channels`);
  assert.equal(opensAgain, true);
});

test("5000 channels that were opened and closed leave no descriptor and no mapping", () => {
  openChannel()[Symbol.dispose]();
  const before = openDescriptors();
  for (let i = 0; i < 5000; i++) {
    using channel = openChannel();
    channel.producer.trySend(Uint8Array.of(i));
    assert.equal(channel.consumer.tryReceive()?.bytes[0], i & 0xff);
  }
  assert.deepEqual(addedDescriptors(before), []);
  assert.deepEqual(channelMappings(), []);
});
