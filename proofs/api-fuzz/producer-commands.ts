import assert from "node:assert/strict";
import type { Producer, Slot } from "../../src/index.ts";
import type { CommandKinds } from "./command.ts";
import {
  isWhole,
  type Judgement,
  judgeBytes,
  judgeSizes,
  judgeTypeId,
  judgeWaiting,
  type Reasons,
  trueBytes,
  worst,
} from "./judge.ts";
import type { Pair } from "./pair.ts";
import { any, type Value } from "./values.ts";
import { bounded, closesAnEnd } from "./waiting.ts";
import { type Outcome, succeeded, type World } from "./world.ts";

interface Sending {
  readonly bytes: unknown;
  readonly typeId: unknown;
  readonly judgement: Judgement;
  /** What is to be received. */
  readonly copy: Uint8Array;
}

function makeSending(world: World, pair: Pair, args: Value[]): Sending {
  const [bytes, typeId] = [world.make(args[0]), world.make(args[1])];
  const judged = judgeBytes(bytes, pair.producer.maxMessageSize);
  const copy = judged === "wrong" ? new Uint8Array() : trueBytes(bytes as Uint8Array);
  // Sent from where it may be written to at the same time.
  if (args[0]?.is === "kept") pair.model.tainted = true;
  return { bytes, typeId, judgement: worst(judged, judgeTypeId(typeId)), copy };
}

function noteSent(pair: Pair, sending: Sending): void {
  pair.model.send(sending.copy, (sending.typeId as number | undefined) ?? 0);
}

function noteFull(pair: Pair): void {
  assert.ok(pair.model.tainted || !pair.model.isKnownEmpty, "an empty ring was said to be full");
  pair.model.publish();
}

function noteSlot(world: World, pair: Pair, slot: Slot, size: number): void {
  pair.slot = slot;
  pair.isSlotOpen = true;
  pair.claimed = size;
  const outcome = world.attempt("slot.bytes", () => slot.bytes);
  if (!succeeded(outcome, "slot.bytes", pair.reasons("producer"))) return;
  if (!pair.detached.has("producer")) assert.equal(outcome.result.length, size + 0, "slot.bytes");
  pair.keep("producer", outcome.result);
}

function judgeSize(size: unknown, sizeMax: number): Judgement {
  return isWhole(size, 0, sizeMax) ? "right" : "wrong";
}

function finishSlot(how: "commit" | "stage") {
  return (world: World, pick: number, args: Value[]) => {
    const pair = world.pair(pick);
    const { slot, model } = pair;
    if (slot === undefined) return;
    const [size, typeId] = [world.make(args[0]), world.make(args[1])];
    const sizes = size === undefined ? "right" : judgeSize(size, pair.claimed);
    const judgement = worst(sizes, judgeTypeId(typeId));
    const bytes =
      pair.isSlotOpen && !pair.detached.has("producer")
        ? slot.bytes.slice()
        : new Uint8Array(pair.claimed);
    if (pair.detached.has("producer")) model.tainted = true;
    const mustThrow = !pair.isSlotOpen || (model.consumerClosed && !model.tainted);
    const outcome = world.attempt(`slot.${how}`, () => slot[how](size as never, typeId as never));
    const reasons = { ...pair.reasons("producer", judgement), closed: !pair.isSlotOpen };
    if (!succeeded(outcome, `slot.${how}`, reasons, mustThrow)) {
      if (judgement === "right") pair.isSlotOpen = false;
      return;
    }
    pair.isSlotOpen = false;
    assert.equal(slot.bytes.length, 0, "the bytes of a finished slot");
    model.stage(
      bytes.subarray(0, (size as number | undefined) ?? pair.claimed),
      (typeId as number | undefined) ?? 0,
    );
    if (how === "commit") model.publish();
  };
}

/** How a waiting call may end besides. */
const waitingReasons = (pair: Pair, args: Judgement): Reasons => ({
  ...pair.reasons("producer", args),
  closed: pair.model.producerClosed,
  timeout: true,
  abort: true,
  slotOpen: true,
});

export const producerCommands: CommandKinds = {
  trySend: {
    weight: 60,
    args: [any.bytes, any.typeId],
    run(world, pick, args) {
      const pair = world.pair(pick);
      const sending = makeSending(world, pair, args);
      const isOver = pair.isSendingOver;
      const outcome = world.attempt("trySend", () =>
        pair.producer.trySend(sending.bytes as never, sending.typeId as never),
      );
      if (!succeeded(outcome, "trySend", pair.reasons("producer", sending.judgement), isOver))
        return;
      if (outcome.result) noteSent(pair, sending);
      else noteFull(pair);
    },
  },
  sendSync: {
    weight: 20,
    args: [any.bytes, any.typeId, any.waiting],
    run(world, pick, args) {
      const pair = world.pair(pick);
      const sending = makeSending(world, pair, args);
      const waits = bounded(args[2], pair.model.tainted || !pair.model.isKnownEmpty) as Value;
      const waiting = world.make(waits, closesAnEnd(pair, pick));
      const judgement = worst(sending.judgement, judgeWaiting(waits, "ignored"));
      const isOver = pair.isSendingOver;
      const outcome = world.attempt("sendSync", () =>
        pair.producer.sendSync(sending.bytes as never, sending.typeId as never, waiting as never),
      );
      const reasons = { ...pair.reasons("producer", judgement), timeout: true };
      if (succeeded(outcome, "sendSync", reasons, isOver)) noteSent(pair, sending);
      else if (isTimeout(outcome)) noteFull(pair);
    },
  },
  send: {
    weight: 15,
    args: [any.bytes, any.typeId, any.waiting],
    async run(world, pick, args) {
      const pair = world.pair(pick);
      const sending = makeSending(world, pair, args);
      const waiting = world.make(args[2], closesAnEnd(pair, pick));
      const judgement = worst(sending.judgement, judgeWaiting(args[2] as Value, "checked"));
      const send = () =>
        pair.producer.send(sending.bytes as never, sending.typeId as never, waiting as never);
      await world.start("send", "sending", send, (outcome) => {
        if (succeeded(outcome, "send", waitingReasons(pair, judgement))) noteSent(pair, sending);
      });
    },
  },
  trySendMany: {
    weight: 20,
    args: [any.bytes, any.sizes, any.typeId],
    run(world, pick, args) {
      const pair = world.pair(pick);
      const [bytes, sizes, typeId] = args.map((arg) => world.make(arg));
      const judged = judgeBytes(bytes);
      const copy = judged === "wrong" ? new Uint8Array() : trueBytes(bytes as Uint8Array);
      if (args[0]?.is === "kept") pair.model.tainted = true;
      const { maxMessageSize } = pair.producer;
      const sizesJudged = judgeSizes(sizes, copy.length, maxMessageSize);
      const judgement = worst(judged, sizesJudged, judgeTypeId(typeId));
      const isOver = pair.isSendingOver;
      const outcome = world.attempt("trySendMany", () =>
        pair.producer.trySendMany(bytes as never, sizes as never, typeId as never),
      );
      if (!succeeded(outcome, "trySendMany", pair.reasons("producer", judgement), isOver)) return;
      let at = 0;
      const list = [...(sizes as Uint32Array)];
      if (outcome.result < list.length) pair.model.publish();
      for (const size of list.slice(0, outcome.result)) {
        pair.model.send(copy.subarray(at, at + size), (typeId as number | undefined) ?? 0);
        at += size;
      }
    },
  },
  tryClaim: {
    weight: 20,
    args: [any.size],
    run(world, pick, args) {
      const pair = world.pair(pick);
      const size = world.make(args[0]) as number;
      const judgement = judgeSize(size, pair.producer.maxMessageSize);
      const isOver = pair.isSendingOver;
      const outcome = world.attempt("tryClaim", () => pair.producer.tryClaim(size));
      if (!succeeded(outcome, "tryClaim", pair.reasons("producer", judgement), isOver)) return;
      if (outcome.result) noteSlot(world, pair, outcome.result, size);
      else noteFull(pair);
    },
  },
  claimSync: {
    weight: 8,
    args: [any.size, any.waiting],
    run(world, pick, args) {
      const pair = world.pair(pick);
      const size = world.make(args[0]) as number;
      const waits = bounded(args[1], pair.model.tainted || !pair.model.isKnownEmpty) as Value;
      const waiting = world.make(waits, closesAnEnd(pair, pick));
      const sizes = judgeSize(size, pair.producer.maxMessageSize);
      const judgement = worst(sizes, judgeWaiting(waits, "ignored"));
      const isOver = pair.isSendingOver;
      const outcome = world.attempt("claimSync", () =>
        pair.producer.claimSync(size, waiting as never),
      );
      const reasons = { ...pair.reasons("producer", judgement), timeout: true };
      if (succeeded(outcome, "claimSync", reasons, isOver))
        noteSlot(world, pair, outcome.result, size);
      else if (isTimeout(outcome)) noteFull(pair);
    },
  },
  claim: {
    weight: 6,
    args: [any.size, any.waiting],
    async run(world, pick, args) {
      const pair = world.pair(pick);
      const size = world.make(args[0]) as number;
      const waiting = world.make(args[1], closesAnEnd(pair, pick));
      const sizes = judgeSize(size, pair.producer.maxMessageSize);
      const judgement = worst(sizes, judgeWaiting(args[1] as Value, "checked"));
      const claim = () => pair.producer.claim(size, waiting as never);
      await world.start("claim", "sending", claim, (outcome) => {
        if (!succeeded(outcome, "claim", waitingReasons(pair, judgement))) return;
        if (!pair.model.producerClosed) noteSlot(world, pair, outcome.result, size);
      });
    },
  },
  "slot.fill": {
    weight: 10,
    args: [],
    run(world, pick) {
      const pair = world.pair(pick);
      if (pair.slot === undefined || pair.detached.has("producer")) return;
      const { bytes } = pair.slot;
      if (!pair.isSlotOpen) assert.equal(bytes.length, 0, "the bytes of a finished slot");
      if (bytes.length > 0) bytes.fill(pick);
    },
  },
  "slot.commit": { weight: 15, args: [any.size, any.typeId], run: finishSlot("commit") },
  "slot.commit()": { weight: 8, args: [], run: finishSlot("commit") },
  "slot.stage": { weight: 12, args: [any.size, any.typeId], run: finishSlot("stage") },
  "slot.stage()": { weight: 10, args: [], run: finishSlot("stage") },
  "slot.rollback": {
    weight: 5,
    args: [],
    run(world, pick) {
      const pair = world.pair(pick);
      const { slot, isSlotOpen } = pair;
      if (slot === undefined) return;
      const outcome = world.attempt("slot.rollback", () => slot.rollback());
      succeeded(outcome, "slot.rollback", { closed: !isSlotOpen }, !isSlotOpen);
      pair.isSlotOpen = false;
    },
  },
  "slot.dispose": {
    weight: 4,
    args: [],
    run(world, pick) {
      const pair = world.pair(pick);
      const { slot } = pair;
      if (slot === undefined) return;
      succeeded(
        world.attempt("slot.dispose", () => slot[Symbol.dispose]()),
        "slot.dispose",
        {},
      );
      pair.isSlotOpen = false;
    },
  },
  flush: {
    weight: 8,
    args: [],
    run(world, pick) {
      const pair = world.pair(pick);
      const { producerClosed, consumerClosed, tainted } = pair.model;
      const isOver = producerClosed || (consumerClosed && !tainted);
      const outcome = world.attempt("flush", () => pair.producer.flush());
      if (succeeded(outcome, "flush", pair.reasons("producer"), isOver)) pair.model.publish();
    },
  },
  "producer.stats": {
    weight: 8,
    args: [],
    run(world, pick) {
      const pair = world.pair(pick);
      const { model } = pair;
      const outcome = world.attempt("producer.stats", () => pair.producer.stats());
      const reasons = pair.reasons("producer");
      if (!succeeded(outcome, "producer.stats", reasons, model.producerClosed) || model.tainted)
        return;
      assert.equal(outcome.result.messages, model.messagesSent, "producer.stats().messages");
      assert.equal(outcome.result.bytes, model.bytesSent, "producer.stats().bytes");
    },
  },
  "producer.close": {
    weight: 2,
    args: [],
    run(world, pick) {
      const pair = world.pair(pick);
      const close = (producer: Producer) =>
        pick % 2 === 0 ? producer.close() : producer[Symbol.dispose]();
      succeeded(
        world.attempt("producer.close", () => close(pair.producer)),
        "producer.close",
        {},
      );
      pair.noteClosed("producer");
    },
  },
};

function isTimeout(outcome: Outcome<unknown>): boolean {
  return (
    !outcome.isDone &&
    outcome.error instanceof DOMException &&
    outcome.error.name === "TimeoutError"
  );
}
