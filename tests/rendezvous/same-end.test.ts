/** Two that open the same end of one path: both are told, and nobody waits for the other end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Consumer,
  FanIn,
  Producer,
  RpcClient,
  RpcResponder,
  serve,
  WireError,
} from "../../src/index.ts";
import { temporaryPaths } from "../support/folder.ts";
import { rejection, within } from "../support/promises.ts";

const newPath = temporaryPaths();
const bounds = { timeout: 30_000 };

const ends = {
  producer: { opener: Producer, other: "consumer" },
  consumer: { opener: Consumer, other: "producer" },
  caller: { opener: RpcClient, other: "callee" },
  callee: { opener: RpcResponder, other: "caller" },
} as const;

function assertSameEnd(error: unknown, doing: string, end: string, other: string): void {
  assert.ok(error instanceof WireError, String(error));
  assert.match(
    error.message,
    new RegExp(`^${doing} \\(.*\\): the other side is a ${end} too; expected a ${other}\\. Check`),
  );
}

for (const [name, { opener, other }] of Object.entries(ends)) {
  test(`two of the end ${name} on one path are both told so`, bounds, async () => {
    const path = newPath();
    const [listening, connecting] = await within(
      Promise.all([rejection(opener.listen(path)), rejection(opener.connect(path))]),
    );
    assertSameEnd(listening, "listening", name, other);
    assertSameEnd(connecting, "connecting", name, other);
  });
}

test("a fan-in sends another consumer away and goes on listening", bounds, async () => {
  const path = newPath();
  await using inlet = await FanIn.listen(path);
  const received = inlet.receive();
  assertSameEnd(await rejection(Consumer.connect(path)), "connecting", "consumer", "producer");
  using producer = await within(Producer.connect(path));
  await producer.send(Uint8Array.of(1));
  assert.deepEqual((await within(received))?.bytes, Uint8Array.of(1));
});

test("a server reports another callee and goes on listening", bounds, async () => {
  const path = newPath();
  const errors: Error[] = [];
  await using _server = await serve({
    path,
    handler: ({ bytes }) => bytes,
    onError: (error) => void errors.push(error as Error),
  });
  assertSameEnd(await rejection(RpcResponder.connect(path)), "connecting", "callee", "caller");
  using client = await within(RpcClient.connect(path));
  assert.deepEqual((await client.call(Uint8Array.of(1))).bytes, Uint8Array.of(1));
  assert.equal(errors.length, 1);
  assertSameEnd(errors[0], "listening", "callee", "caller");
});
