/** Programs whose tests put other clocks and timers in the place of the runtime's. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Consumer, Producer, RpcClient, serve } from "../../src/index.ts";
import { now } from "../../src/loop/clock.ts";
import { startProgram, thisRuntime } from "../support/program.ts";
import { within } from "../support/promises.ts";
import { newRpcName } from "../support/rpc-in-thread.ts";

const bounds = { timeout: 30_000 };
const replaced = [
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "setImmediate",
  "Date",
] as const;
const real = Object.fromEntries(replaced.map((name) => [name, globalThis[name]]));
const setImmediateOfRuntime = setImmediate;
const realNow = performance.now;

/** As the usual libraries do it: time stands still, and no timer ends. */
function stopTime(): void {
  for (const name of replaced) {
    Object.assign(globalThis, { [name]: Object.assign(() => 0, { now: () => 0 }) });
  }
  performance.now = () => 0;
}

afterEach(() => {
  Object.assign(globalThis, real);
  performance.now = realNow;
});

test("the clock goes on while that of the program stands still", () => {
  stopTime();
  const before = now();
  while (now() === before);
  assert.ok(now() > before);
});

test("a connect tries again, and gives up in time, while time stands still", bounds, async () => {
  stopTime();
  const path = newRpcName();
  await assert.rejects(Producer.connect(path, { timeout: 50 }), { name: "TimeoutError" });
  const connecting = Producer.connect(path);
  for (let turn = 0; turn < 200; turn++) {
    await new Promise((resolve) => setImmediateOfRuntime(resolve));
  }
  const listening = Consumer.listen(path);
  using _producer = await connecting;
  using consumer = await listening;
  await assert.rejects(consumer.receive({ timeout: 20 }), { name: "TimeoutError" });
});

test("a call times out while time stands still", bounds, async () => {
  stopTime();
  const reply = Promise.withResolvers<Uint8Array>();
  await using server = await serve({ path: newRpcName(), handler: () => reply.promise });
  using client = await RpcClient.connect(server.path);
  await assert.rejects(client.call(new Uint8Array(), { timeout: 20 }), { name: "TimeoutError" });
  reply.resolve(new Uint8Array());
});

for (const scenario of ["a receive", "a connect", "a receiveSync of a FanIn"]) {
  const name = `under the fake timers of Bun ${scenario} goes on, and takes no core`;
  test(name, { ...bounds, skip: thisRuntime !== "bun" && "they are Bun's" }, async () => {
    using program = startProgram("fake-timers", { scenario }, { runtime: "bun" });
    const { busy, result } = await within(program.next<{ busy: number; result: number }>(), 15_000);
    assert.equal(result, 7);
    // Of a second and a half.
    assert.ok(busy < 500, `${busy} ms of processor time`);
    assert.deepEqual(await within(program.ended), { code: 0, signal: null, errors: "" });
  });
}
