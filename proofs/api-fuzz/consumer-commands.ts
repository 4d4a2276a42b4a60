import assert from "node:assert/strict";
import type { Batch, Consumer, Message } from "../../src/index.ts";
import type { CommandKinds } from "./command.ts";
import {
  isWhole,
  type Judgement,
  judgeBytes,
  judgeWaiting,
  type Reasons,
  trueBytes,
  worst,
} from "./judge.ts";
import type { Pair } from "./pair.ts";
import { any, type Value } from "./values.ts";
import { bounded, closesAnEnd } from "./waiting.ts";
import { succeeded, type World } from "./world.ts";

type Received = Message | undefined | null;

function noteMessage(pair: Pair, message: Received): void {
  if (message === undefined) pair.model.receiveNothing();
  else if (message === null) pair.model.receiveEnd();
  else pair.model.receive(message);
}

function judgeMax(max: unknown): Judgement {
  return max === undefined || isWhole(max, 1, 0xffffffff) ? "right" : "wrong";
}

/** Whether a waiting call would have to wait, or nobody knows. */
function mayWait({ model }: Pair): boolean {
  return model.tainted || (model.published.length === 0 && !model.producerClosed);
}

function noteBatch(world: World, pair: Pair, batch: Batch | undefined | null, max: unknown): void {
  if (!batch) {
    noteMessage(pair, batch);
    return;
  }
  pair.batch = batch;
  pair.isBatchOpen = true;
  const { length } = batch;
  world.count("batch.length");
  assert.ok(length >= 1 && length <= ((max as number | undefined) ?? 1024), "batch.length");
  for (let i = 0; i < length; i++) {
    const [size, typeId] = [batch.size(i), batch.typeId(i)];
    const bytes = pair.detached.has("consumer") ? undefined : batch.bytes(i);
    pair.model.receive({ size, typeId, ...(bytes && { bytes }) });
  }
  for (const name of ["batch.size", "batch.typeId", "batch.bytes"]) {
    for (let i = 0; i < length; i++) world.count(name);
  }
}

/** How a promise may end besides. */
const waitingReasons = (pair: Pair, args: Judgement): Reasons => ({
  ...pair.reasons("consumer", args),
  timeout: true,
  abort: true,
  batchOpen: true,
});

function receiveInto(how: "tryReceiveInto" | "receiveIntoSync") {
  return (world: World, pick: number, args: Value[]) => {
    const pair = world.pair(pick);
    const { model, consumer } = pair;
    const into = world.make(args[0]);
    // It may be any pair's.
    if (args[0]?.is === "kept") for (const pair of world.pairs) pair.taint();
    const waits = how === "tryReceiveInto" ? undefined : (bounded(args[1], mayWait(pair)) as Value);
    const waiting = world.make(waits, closesAnEnd(pair, pick));
    const judged = judgeBytes(into);
    const expected = model.published[0] ?? model.staged[0];
    const isTooSmall =
      judged !== "wrong" &&
      expected !== undefined &&
      trueBytes(into as Uint8Array).length < expected.bytes.length;
    const isOver = pair.isReceivingOver;
    const outcome = world.attempt(how, () => consumer[how](into as never, waiting as never));
    const waitJudged = waits === undefined ? "right" : judgeWaiting(waits, "ignored");
    const judgement = worst(judged, waitJudged, isTooSmall || model.tainted ? "either" : "right");
    const reasons = { ...pair.reasons("consumer", judgement), timeout: true };
    if (!succeeded(outcome, how, reasons, isOver)) return;
    const size = outcome.result as number;
    if (size === -1) {
      assert.equal(how, "tryReceiveInto");
      model.receiveNothing();
    } else if (size === -2) model.receiveEnd();
    else {
      const bytes = trueBytes(into as Uint8Array).subarray(0, size);
      assert.ok(!isTooSmall || model.tainted, "a message was received into less than it needs");
      model.receive({ bytes, size, typeId: consumer.lastTypeId });
      world.count("lastTypeId");
    }
  };
}

/** A call of the batch that was lent last, which throws once that is released. */
function readBatch(name: string, read: (batch: Batch, index: unknown, pair: Pair) => unknown) {
  return (world: World, pick: number, args: Value[]) => {
    const pair = world.pair(pick);
    const { batch, isBatchOpen } = pair;
    if (batch === undefined) return;
    const index = world.make(args[0]);
    const length = isBatchOpen ? batch.length : 0;
    const judgement = args.length === 0 || isWhole(index, 0, length - 1) ? "right" : "wrong";
    const outcome = world.attempt(name, () => read(batch, index, pair));
    const reasons = { ...pair.reasons("consumer", judgement), closed: !isBatchOpen };
    succeeded(outcome, name, reasons, !isBatchOpen);
  };
}

export const consumerCommands: CommandKinds = {
  tryReceive: {
    weight: 50,
    args: [],
    run(world, pick) {
      const pair = world.pair(pick);
      const isOver = pair.isReceivingOver;
      const outcome = world.attempt("tryReceive", () => pair.consumer.tryReceive());
      if (!succeeded(outcome, "tryReceive", pair.reasons("consumer"), isOver)) return;
      noteMessage(pair, outcome.result);
    },
  },
  receiveSync: {
    weight: 20,
    args: [any.waiting],
    run(world, pick, args) {
      const pair = world.pair(pick);
      const waits = bounded(args[0], mayWait(pair)) as Value;
      const waiting = world.make(waits, closesAnEnd(pair, pick));
      const isOver = pair.isReceivingOver;
      const outcome = world.attempt("receiveSync", () =>
        pair.consumer.receiveSync(waiting as never),
      );
      const judgement = judgeWaiting(waits, "ignored");
      const reasons = { ...pair.reasons("consumer", judgement), timeout: true };
      if (!succeeded(outcome, "receiveSync", reasons, isOver)) return;
      noteMessage(pair, outcome.result);
    },
  },
  receive: {
    weight: 15,
    args: [any.waiting],
    async run(world, pick, args) {
      const pair = world.pair(pick);
      const waiting = world.make(args[0], closesAnEnd(pair, pick));
      const judgement = judgeWaiting(args[0] as Value, "checked");
      const receive = () => pair.consumer.receive(waiting as never);
      await world.start("receive", "receiving", receive, (outcome) => {
        if (succeeded(outcome, "receive", waitingReasons(pair, judgement))) {
          noteMessage(pair, outcome.result);
        }
      });
    },
  },
  tryReceiveInto: { weight: 30, args: [any.bytes], run: receiveInto("tryReceiveInto") },
  receiveIntoSync: {
    weight: 10,
    args: [any.bytes, any.waiting],
    run: receiveInto("receiveIntoSync"),
  },
  tryDrain: {
    weight: 25,
    args: [any.max],
    run(world, pick, args) {
      const pair = world.pair(pick);
      const max = world.make(args[0]);
      const isOver = pair.isReceivingOver;
      const outcome = world.attempt("tryDrain", () => pair.consumer.tryDrain(max as never));
      const reasons = pair.reasons("consumer", judgeMax(max));
      if (succeeded(outcome, "tryDrain", reasons, isOver))
        noteBatch(world, pair, outcome.result, max);
    },
  },
  drainSync: {
    weight: 10,
    args: [any.max, any.waiting],
    run(world, pick, args) {
      const pair = world.pair(pick);
      const max = world.make(args[0]);
      const waits = bounded(args[1], mayWait(pair)) as Value;
      const waiting = world.make(waits, closesAnEnd(pair, pick));
      const isOver = pair.isReceivingOver;
      const outcome = world.attempt("drainSync", () =>
        pair.consumer.drainSync(max as never, waiting as never),
      );
      const judgement = worst(judgeMax(max), judgeWaiting(waits, "ignored"));
      const reasons = { ...pair.reasons("consumer", judgement), timeout: true };
      if (succeeded(outcome, "drainSync", reasons, isOver))
        noteBatch(world, pair, outcome.result, max);
    },
  },
  drain: {
    weight: 8,
    args: [any.max, any.waiting],
    async run(world, pick, args) {
      const pair = world.pair(pick);
      const max = world.make(args[0]);
      const waiting = world.make(args[1], closesAnEnd(pair, pick));
      const judgement = worst(judgeMax(max), judgeWaiting(args[1] as Value, "checked"));
      const drain = () => pair.consumer.drain(max as never, waiting as never);
      await world.start("drain", "receiving", drain, (outcome) => {
        if (!succeeded(outcome, "drain", waitingReasons(pair, judgement))) return;
        if (!pair.model.consumerClosed) noteBatch(world, pair, outcome.result, max);
      });
    },
  },
  iterate: {
    weight: 6,
    args: [],
    async run(world, pick) {
      const pair = world.pair(pick);
      if (pair.isIterating) return;
      pair.iterator ??= pair.consumer[Symbol.asyncIterator]();
      pair.isIterating = true;
      const next = () => (pair.iterator as AsyncIterator<Message>).next();
      await world.start("iterator.next", "receiving", next, (outcome) => {
        pair.isIterating = false;
        if (!succeeded(outcome, "iterator.next", waitingReasons(pair, "right"))) {
          pair.iterator = undefined;
          return;
        }
        const { done, value } = outcome.result;
        noteMessage(pair, done ? null : value);
        if (done) pair.iterator = undefined;
      });
    },
  },
  "iterator.return": {
    weight: 2,
    args: [],
    async run(world, pick) {
      const pair = world.pair(pick);
      const { iterator } = pair;
      if (iterator === undefined || pair.isIterating) return;
      pair.iterator = undefined;
      const leave = async () => await iterator.return?.();
      await world.start("iterator.return", "receiving", leave, (outcome) => {
        succeeded(outcome, "iterator.return", {});
      });
    },
  },
  lastTypeId: {
    weight: 5,
    args: [],
    run(world, pick) {
      const pair = world.pair(pick);
      const { consumerClosed } = pair.model;
      const outcome = world.attempt("lastTypeId", () => pair.consumer.lastTypeId);
      succeeded(outcome, "lastTypeId", pair.reasons("consumer"), consumerClosed);
    },
  },
  "batch.length": { weight: 8, args: [], run: readBatch("batch.length", (batch) => batch.length) },
  "batch.size": {
    weight: 8,
    args: [any.index],
    run: readBatch("batch.size", (batch, index) => batch.size(index as never)),
  },
  "batch.typeId": {
    weight: 8,
    args: [any.index],
    run: readBatch("batch.typeId", (batch, index) => batch.typeId(index as never)),
  },
  "batch.offset": {
    weight: 8,
    args: [any.index],
    run: readBatch("batch.offset", (batch, index) => batch.offset(index as never)),
  },
  "batch.bytes": {
    weight: 12,
    args: [any.index],
    run: readBatch("batch.bytes", (batch, index, pair) => {
      pair.keep("consumer", batch.bytes(index as never));
    }),
  },
  "batch.memory": {
    weight: 5,
    args: [],
    run: readBatch("batch.memory", (batch, _, pair) => {
      const { memory } = batch;
      if (pair.detached.has("consumer")) return;
      pair.keep("consumer", new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength));
    }),
  },
  "batch.iterate": {
    weight: 4,
    args: [],
    run: readBatch("batch.iterate", (batch) => [...batch].length),
  },
  "batch.release": {
    weight: 40,
    args: [],
    run(world, pick) {
      const pair = world.pair(pick);
      const { batch } = pair;
      if (batch === undefined) return;
      const release = () => (pick % 3 === 0 ? batch[Symbol.dispose]() : batch.release());
      succeeded(world.attempt("batch.release", release), "batch.release", pair.reasons("consumer"));
      pair.isBatchOpen = false;
    },
  },
  "consumer.stats": {
    weight: 8,
    args: [],
    run(world, pick) {
      const pair = world.pair(pick);
      const { model } = pair;
      const outcome = world.attempt("consumer.stats", () => pair.consumer.stats());
      const reasons = pair.reasons("consumer");
      if (!succeeded(outcome, "consumer.stats", reasons, model.consumerClosed) || model.tainted)
        return;
      assert.equal(outcome.result.messages, model.messagesReceived, "consumer.stats().messages");
      assert.equal(outcome.result.bytes, model.bytesReceived, "consumer.stats().bytes");
    },
  },
  "consumer.close": {
    weight: 2,
    args: [],
    run(world, pick) {
      const pair = world.pair(pick);
      const close = (consumer: Consumer) =>
        pick % 2 === 0 ? consumer.close() : consumer[Symbol.dispose]();
      succeeded(
        world.attempt("consumer.close", () => close(pair.consumer)),
        "consumer.close",
        {},
      );
      pair.noteClosed("consumer");
    },
  },
};
