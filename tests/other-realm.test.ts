/** Values that another realm made, as node:vm and some test runners have it: their constructors are others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import vm from "node:vm";
import { type Request, RpcClient, serve } from "../src/index.ts";
import { openChannel } from "./support/in-thread.ts";
import { within } from "./support/promises.ts";
import { newRpcName } from "./support/rpc-in-thread.ts";

const realm = vm.createContext({});
const make = <Value>(code: string): Value => vm.runInContext(code, realm) as Value;
const foreignBytes = (...bytes: number[]) => make<Uint8Array>(`new Uint8Array([${bytes}])`);

test("the arrays of these tests are really of another realm", () => {
  assert.equal(foreignBytes(1) instanceof Uint8Array, false);
});

test("every way to send takes the bytes of another realm", async () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  producer.trySend(foreignBytes(1, 2));
  producer.sendSync(foreignBytes(3));
  await producer.send(make("new Uint8Array([9, 4, 5, 9]).subarray(1, 3)"));
  const sizes = make<Uint32Array>("new Uint32Array([2, 1])");
  assert.equal(producer.trySendMany(foreignBytes(6, 7, 8), sizes), 2);
  const received: number[][] = [];
  for (let n = 0; n < 5; n++) received.push([...(consumer.tryReceive()?.bytes ?? [])]);
  assert.deepEqual(received, [[1, 2], [3], [4, 5], [6, 7], [8]]);
});

test("a message is received into an array of another realm", () => {
  using channel = openChannel();
  const { producer, consumer } = channel;
  const into = foreignBytes(0, 0, 0);
  producer.trySend(Uint8Array.of(1, 2));
  assert.equal(consumer.tryReceiveInto(into), 2);
  assert.deepEqual([...into], [1, 2, 0]);
  producer.trySend(Uint8Array.of(3, 4, 5));
  assert.equal(consumer.receiveIntoSync(into), 3);
  assert.deepEqual([...into], [3, 4, 5]);
});

test("requests and replies may be of another realm, and so may errors", async () => {
  const thrown = make<Error>("new TypeError('of another realm')");
  const replies = [
    () => foreignBytes(1, 2),
    () => make<Promise<Uint8Array>>("Promise.resolve(new Uint8Array([3]))"),
    () => {
      throw thrown;
    },
  ];
  const heard: Error[] = [];
  await using server = await serve({
    path: newRpcName(),
    handler: ({ bytes }: Request) => (replies[bytes[0] as number] as () => Uint8Array)(),
    onError: (error) => heard.push(error),
  });
  using client = await RpcClient.connect(server.path);
  assert.deepEqual([...(await client.call(foreignBytes(0))).bytes], [1, 2]);
  assert.deepEqual([...(await client.call(foreignBytes(1))).bytes], [3]);
  await assert.rejects(client.call(foreignBytes(2)), {
    name: "RpcError",
    message: "of another realm",
  });
  assert.equal(heard.length, 1);
  assert.equal(heard[0], thrown);
});

/** What test environments with a DOM of their own have in its place. */
class ForeignSignal extends EventTarget {
  aborted = false;
  reason: unknown;

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.dispatchEvent(new Event("abort"));
  }
}

test("a signal that another realm made ends a wait", async () => {
  using channel = openChannel();
  const signal = new ForeignSignal();
  const options = { signal: signal as unknown as AbortSignal };
  const receiving = channel.consumer.receive(options);
  const reason = new Error("enough");
  signal.abort(reason);
  await assert.rejects(within(receiving), reason);
  await assert.rejects(within(channel.consumer.receive(options)), reason);
});

test("what only looks like bytes or like a signal is refused", async () => {
  using channel = openChannel();
  const liars: unknown[] = [
    { [Symbol.toStringTag]: "Uint8Array", length: 1, 0: 1 },
    make("new Uint16Array(2)"),
    make("new Uint8ClampedArray(2)"),
    make("new DataView(new ArrayBuffer(2))"),
    make("new ArrayBuffer(2)"),
  ];
  for (const liar of liars) {
    const expected = { name: "TypeError", message: /expected a Uint8Array/ };
    assert.throws(() => channel.producer.trySend(liar as Uint8Array), expected);
    assert.throws(() => channel.consumer.tryReceiveInto(liar as Uint8Array), expected);
  }
  for (const signal of [null, 1, "x", {}, new EventTarget(), { aborted: false }]) {
    await assert.rejects(channel.consumer.receive({ signal: signal as AbortSignal }), {
      name: "TypeError",
      message: /expected an AbortSignal/,
    });
  }
});
