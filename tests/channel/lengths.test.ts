/** Native code touches what an array has, whatever the array says that it has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Consumer, Producer } from "../../src/index.ts";
import { temporaryPaths } from "../support/folder.ts";
import { openChannel } from "../support/in-thread.ts";
import { openClient } from "../support/rpc-in-thread.ts";

/** Eight bytes that say to be more, or fewer, or none. */
class Liar extends Uint8Array {
  static claim: unknown = 1500;

  constructor() {
    super(8);
    this.fill(7);
  }

  override get length(): never {
    return Liar.claim as never;
  }
}

const claims = [1500, 2 ** 32, 8.5, -1, Number.NaN, "8", undefined];
const truth = new Uint8Array(8).fill(7);

test("what is sent are the bytes of an array, whatever length it claims", async () => {
  for (const claim of claims) {
    Liar.claim = claim;
    using channel = openChannel();
    const { producer, consumer } = channel;
    producer.trySend(new Liar());
    producer.sendSync(new Liar(), 0, { timeout: 100 });
    await producer.send(new Liar());
    producer.trySendMany(new Liar(), Uint32Array.of(8));
    for (let i = 0; i < 4; i++)
      assert.deepEqual(consumer.tryReceive()?.bytes, truth, String(claim));
  }
});

test("what is received goes into the bytes of an array, whatever length it claims", () => {
  for (const claim of claims) {
    Liar.claim = claim;
    using channel = openChannel();
    const { producer, consumer } = channel;
    producer.trySend(new Uint8Array(9));
    const message = /the message has 9 bytes, and `into` holds 8/;
    assert.throws(() => consumer.tryReceiveInto(new Liar()), { name: "RangeError", message });
    assert.throws(() => consumer.receiveIntoSync(new Liar()), { name: "RangeError", message });
    assert.equal(consumer.tryReceiveInto(new Uint8Array(9)), 9);
  }
});

test("a call asks with the bytes of an array, whatever length it claims", () => {
  Liar.claim = 1500;
  using opened = openClient();
  const { client, callee } = opened;
  client.call(new Liar()).catch(() => {});
  assert.deepEqual(callee.tryRequest()?.bytes, truth);
});

test("an array of other elements in the place of sizes is refused, whatever it inherits from", () => {
  using channel = openChannel();
  const disguised = Object.setPrototypeOf(new Uint8Array(4), Uint32Array.prototype) as Uint32Array;
  assert.throws(() => channel.producer.trySendMany(new Uint8Array(64), disguised), {
    name: "TypeError",
    message: /sizes is an object \(Uint32Array\); expected a Uint32Array/,
  });
});

test("bytes that grow while the options are read are refused if they are too many", async () => {
  using opened = openClient();
  const { client } = opened;
  const buffer = new ArrayBuffer(8, { maxByteLength: 8192 });
  const options = {
    get timeout() {
      buffer.resize(8192);
      return 100;
    },
  };
  await assert.rejects(client.call(new Uint8Array(buffer), options), {
    name: "RangeError",
    message: /request .*: it has 8192 bytes; expected at most 1984/,
  });
});

test("a call with a buffer that was transferred away asks with no bytes, also when it has to wait", async () => {
  using opened = openClient();
  const { client, callee } = opened;
  const full = new Uint8Array(1000);
  for (let i = 0; i < 8; i++) client.call(full).catch(() => {});
  const bytes = new Uint8Array(8);
  bytes.buffer.transfer();
  const calling = client.call(bytes, { timeout: 1 });
  while (callee.tryRequest());
  await assert.rejects(calling, { name: "TimeoutError" });
});

test("-0 is 0", async () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  producer.trySend(new Uint8Array(1), -0);
  producer.sendSync(new Uint8Array(1), -0);
  await producer.send(new Uint8Array(1), -0);
  producer.trySendMany(new Uint8Array(1), Uint32Array.of(1), -0);
  producer.tryClaim(-0)?.commit(-0, -0);
  producer.claimSync(-0).stage(-0, -0);
  (await producer.claim(-0)).commit();
  const received = Array.from({ length: 7 }, () => consumer.tryReceive());
  assert.deepEqual(
    received.map((message) => [message?.bytes.length, message?.typeId]),
    [...Array(4).fill([1, 0]), ...Array(3).fill([0, 0])],
  );
});

const newPath = temporaryPaths();

test("-0 is a mode and a type of requests too", async () => {
  using opened = openClient();
  const { client, callee } = opened;
  client.call(new Uint8Array(1), { typeId: -0 }).catch(() => {});
  assert.equal(callee.tryRequest()?.typeId, 0);
  for (const kind of [Producer, Consumer]) {
    const listening = () => kind.listenSync(newPath(), { mode: -0, timeout: 0 });
    assert.throws(listening, { name: "TimeoutError" });
  }
});
