import assert from "node:assert/strict";
import type { FanIn, FanInMessage, Producer } from "../../src/index.ts";
import { openAll } from "../../tests/support/fan-in.ts";
import type { CommandKinds } from "./command.ts";
import { judgeBytes, judgeWaiting, trueBytes } from "./judge.ts";
import type { Sent } from "./model.ts";
import { any, type Value } from "./values.ts";
import { bounded } from "./waiting.ts";
import { succeeded, type World } from "./world.ts";

/** A FanIn, its producers, and what each has sent and nobody received. */
export interface Gathering {
  readonly fanIn: FanIn;
  readonly producers: readonly Producer[];
  readonly queues: readonly Sent[][];
  isClosed: boolean;
  sent: number;
}

async function open(world: World, pick: number): Promise<void> {
  if (world.gathering !== undefined) return;
  world.count("FanIn.listen");
  const count = 1 + (pick % 3);
  const { fanIn, producers } = await openAll(world.newName(), count, { capacity: 4096 });
  const queues = producers.map(() => []);
  const gathering: Gathering = { fanIn, producers, queues, isClosed: false, sent: 0 };
  world.gathering = gathering;
  world.others.push({
    close() {
      fanIn.close();
      gathering.isClosed = true;
      for (const producer of producers) producer.close();
    },
  });
}

function note({ queues }: Gathering, message: FanInMessage | undefined): void {
  if (message === undefined) {
    assert.ok(
      queues.every(({ length }) => length === 0),
      "a FanIn has not received what was sent",
    );
    return;
  }
  const queue = queues.find(([first]) => first?.typeId === message.typeId);
  assert.ok(queue, "a FanIn received what nobody sent, or not in its order");
  const { bytes } = queue.shift() as Sent;
  assert.equal(Buffer.compare(message.bytes, bytes), 0, "the bytes that a FanIn received");
  assert.equal(message.peer.pid, process.pid);
}

export const fanInCommands: CommandKinds = {
  openFanIn: { weight: 1, args: [], run: open },
  "fanIn.send": {
    weight: 15,
    args: [any.bytes],
    run(world, pick, args) {
      const { gathering } = world;
      if (gathering === undefined) return;
      const at = pick % gathering.producers.length;
      const producer = gathering.producers[at] as Producer;
      const bytes = world.make(args[0]) as Uint8Array;
      // Numbered, so that it is known whose it is.
      const typeId = gathering.sent++;
      const judgement = judgeBytes(bytes, producer.maxMessageSize);
      const copy = judgement === "wrong" ? new Uint8Array() : trueBytes(bytes);
      const outcome = world.attempt("fanIn.send", () => producer.trySend(bytes, typeId));
      const reasons = { args: judgement, peerClosed: gathering.isClosed };
      if (!succeeded(outcome, "fanIn.send", reasons) || !outcome.result) return;
      gathering.queues[at]?.push({ bytes: copy, typeId });
    },
  },
  "fanIn.tryReceive": {
    weight: 15,
    args: [],
    run(world) {
      const { gathering } = world;
      if (gathering === undefined) return;
      const { fanIn, isClosed } = gathering;
      const outcome = world.attempt("fanIn.tryReceive", () => fanIn.tryReceive());
      if (!succeeded(outcome, "fanIn.tryReceive", { closed: isClosed }, isClosed)) return;
      note(gathering, outcome.result);
    },
  },
  "fanIn.receiveSync": {
    weight: 5,
    args: [any.waiting],
    run(world, _, args) {
      const { gathering } = world;
      if (gathering === undefined) return;
      const waits = bounded(args[0], true) as Value;
      const waiting = world.make(waits, () => close(gathering));
      const { fanIn, isClosed } = gathering;
      const receive = () => fanIn.receiveSync(waiting as never);
      const outcome = world.attempt("fanIn.receiveSync", receive);
      const judgement = judgeWaiting(waits, "ignored");
      const reasons = { args: judgement, closed: gathering.isClosed, timeout: true };
      if (!succeeded(outcome, "fanIn.receiveSync", reasons, isClosed)) return;
      note(gathering, outcome.result);
    },
  },
  "fanIn.receive": {
    weight: 5,
    args: [any.waiting],
    async run(world, _, args) {
      const { gathering } = world;
      if (gathering === undefined) return;
      const waiting = world.make(args[0], () => close(gathering));
      const judgement = judgeWaiting(args[0] as Value, "checked");
      const receive = () => gathering.fanIn.receive(waiting as never);
      await world.start("fanIn.receive", "receiving", receive, (outcome) => {
        const { isClosed } = gathering;
        const reasons = { args: judgement, closed: isClosed, timeout: true, abort: true };
        if (succeeded(outcome, "fanIn.receive", reasons)) note(gathering, outcome.result);
      });
    },
  },
  "fanIn.connections": {
    weight: 2,
    args: [],
    run(world) {
      const { gathering } = world;
      if (gathering === undefined) return;
      const outcome = world.attempt("fanIn.connections", () => gathering.fanIn.connections);
      if (!succeeded(outcome, "fanIn.connections", {})) return;
      const expected = gathering.isClosed ? 0 : gathering.producers.length;
      assert.equal(outcome.result, expected, "fanIn.connections");
    },
  },
  "fanIn.close": {
    weight: 1,
    args: [],
    run(world) {
      const { gathering } = world;
      if (gathering === undefined) return;
      succeeded(
        world.attempt("fanIn.close", () => close(gathering)),
        "fanIn.close",
        {},
      );
    },
  },
};

function close(gathering: Gathering): void {
  gathering.fanIn.close();
  gathering.isClosed = true;
}
