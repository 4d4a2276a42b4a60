/** The liar in a running RPC: what a hostile caller or callee may do, by name, so that tests can loop. */
import type { Arena } from "./arena.ts";
import type { Consumer } from "./consumer.ts";
import { answerTo } from "./content.ts";
import type { Deadline } from "./deadline.ts";
import { sleep } from "./libc.ts";
import type { Producer } from "./producer.ts";
import type { Callee, Caller, RpcEnd } from "./rpc.ts";
import { consumerLies, producerLies, publishHeader } from "./running-lies.ts";
import {
  abilities,
  alignment,
  encodeEntries,
  failedTypeId,
  packedTypeId,
  recordSize,
  states,
} from "./wire.ts";

export type CallerLie = (caller: Caller, deadline: Deadline) => void;
export type CalleeLie = (callee: Callee, deadline: Deadline) => void;

const bytes = new Uint8Array(8).fill(7);

/** The request that a lie is about. */
function take(callee: Callee, deadline: Deadline) {
  const request = callee.request(deadline);
  if (request === null) throw new Error("the caller closed before it was lied to");
  return request;
}

/** The payload of a packed record of two messages. */
const packed = encodeEntries([
  { bytes, typeId: 1 },
  { bytes, typeId: 2 },
]);

/** What a producer lies about, each side may lie about in the arena that it writes. */
type ProducerLies<Lie> = Record<keyof typeof producerLies, Lie>;
function eachProducerLie<Lie>(play: (lie: (producer: Producer) => void) => Lie) {
  const entries = Object.entries(producerLies).map(([name, lie]) => [name, play(lie)]);
  return Object.fromEntries(entries) as ProducerLies<Lie>;
}

const garbage = 5;

/** The other side is woken where it waits for a message, whichever arena the state is in. */
function setState(end: RpcEnd, arena: Arena, state: number): void {
  arena.state = state;
  end.producer.wakeConsumer();
}

const stateLies = {
  "state-garbage-where-it-sends": (end) => setState(end, end.producer.arena, garbage),
  "state-garbage-where-it-receives": (end) => setState(end, end.consumer.arena, garbage),
} satisfies Record<string, (end: RpcEnd) => void>;

// Lies of a caller. Every call before the lie was answered, and the forward ring is empty.

export const callerLies = {
  ...eachProducerLie<CallerLie>((lie) => (caller) => lie(caller.producer)),
  ...stateLies,
  "request-0": (caller) => void caller.tryCall(bytes, 0, 0n),
  /** One after the other in one publication, so that the first is not answered yet. */
  "request-twice": (caller) => {
    const id = caller.lastId + 1n;
    caller.producer.tryStage(bytes, 0, id);
    caller.producer.tryStage(bytes, 0, id);
    caller.producer.publish();
  },
  /** Declared, well-formed, and to a callee that did not say that it takes such records. */
  "request-packed": (caller) => {
    caller.producer.arena.producerAbilities |= abilities.packedRecords;
    caller.tryCall(packed, packedTypeId);
  },
} satisfies Record<string, CallerLie>;

/** Unusual requests that a callee has to answer like any other; each sends one. */
export const lawfulRequests = {
  "request-of-the-packed-type": (caller) => void caller.tryCall(bytes, packedTypeId),
  "request-of-the-failed-type": (caller) => void caller.tryCall(bytes, failedTypeId),
  "request-id-skips": (caller) => void caller.tryCall(bytes, 0, caller.lastId + 1000n),
  "request-id-largest": (caller) => void caller.tryCall(bytes, 0, 2n ** 64n - 1n),
} satisfies Record<string, CallerLie>;

// Lies of a callee. Each needs a caller that calls. All but those about the state take one request,
// and answer it only where they say so. Every request before it was answered.

export const calleeLies = {
  ...eachProducerLie<CalleeLie>((lie) => (callee, deadline) => {
    take(callee, deadline);
    // A caller that waits for the reply has released what came before it.
    callee.producer.drain(deadline);
    lie(callee.producer);
  }),
  ...stateLies,
  "reply-0": (callee, deadline) => {
    take(callee, deadline);
    callee.replyNow(0n, bytes, 0, deadline);
  },
  "reply-never-asked": (callee, deadline) => {
    const { correlationId } = take(callee, deadline);
    callee.replyNow(correlationId + 1000n, bytes, 0, deadline);
  },
  "reply-id-largest": (callee, deadline) => {
    take(callee, deadline);
    callee.replyNow(2n ** 64n - 1n, bytes, 0, deadline);
  },
  /** The same as the request's id in the lower 32 bits, and in the 53 that a double holds. */
  "reply-id-beyond-2-to-53": (callee, deadline) => {
    const { correlationId } = take(callee, deadline);
    callee.replyNow(correlationId + 2n ** 53n, bytes, 0, deadline);
  },
  /** The first one is good. A caller without another call finds the second at its next one. */
  "reply-twice": (callee, deadline) => {
    const { correlationId, bytes: asked } = take(callee, deadline);
    callee.producer.tryStage(answerTo(asked), 0, correlationId);
    callee.producer.tryStage(answerTo(asked), 0, correlationId);
    callee.producer.publish();
  },
  /** As many bytes as the whole ring, where the ring has a header's line less. */
  "reply-as-large-as-the-ring": (callee, deadline) => {
    const { correlationId } = take(callee, deadline);
    callee.producer.drain(deadline);
    const { capacity } = callee.producer.arena;
    const header = { size: capacity, reserved: recordSize(capacity), correlationId };
    publishHeader(callee.producer, header, capacity);
  },
  /** The size that the header says is that of the record, which is not there yet. */
  "reply-of-which-only-the-header-is-there": (callee, deadline) => {
    const { correlationId } = take(callee, deadline);
    const header = { size: 2 * alignment, reserved: recordSize(2 * alignment), correlationId };
    publishHeader(callee.producer, header, alignment);
  },
  /** Like the packed request. */
  "reply-packed": (callee, deadline) => {
    const { correlationId } = take(callee, deadline);
    callee.producer.arena.producerAbilities |= abilities.packedRecords;
    callee.replyNow(correlationId, packed, packedTypeId, deadline);
  },
} satisfies Record<string, CalleeLie>;

/** Not noticed by a side that never takes packed records: it finds a record of an unusual type. */
export const packedRpcLies: readonly string[] = ["request-packed", "reply-packed"];

/** A type that a reply may have without being what an ability makes of it, since none is declared. */
function replyOfType(typeId: number): CalleeLie {
  return (callee, deadline) => {
    const { correlationId, bytes: asked } = take(callee, deadline);
    callee.replyNow(correlationId, answerTo(asked), typeId, deadline);
  };
}

/** A reply that says that the call failed, with these bytes as its text. */
function failWith(text: readonly number[]): CalleeLie {
  return (callee, deadline) => {
    const { correlationId } = take(callee, deadline);
    callee.producer.arena.producerAbilities |= abilities.failedReplies;
    callee.replyNow(correlationId, Uint8Array.from(text), failedTypeId, deadline);
  };
}

/** Unusual replies that a caller of ours has to take; each answers all the requests that it takes. */
export const lawfulReplies = {
  /** Waits for two requests, so the caller must have two calls in flight, whatever came before. */
  "replies-out-of-order": (callee, deadline) => {
    const [first, second] = [take(callee, deadline), take(callee, deadline)];
    for (const { correlationId, bytes: asked } of [second, first]) {
      callee.replyNow(correlationId, answerTo(asked), 0, deadline);
    }
  },
  "reply-of-the-failed-type": replyOfType(failedTypeId),
  "reply-of-the-packed-type": replyOfType(packedTypeId),
  "failure-without-a-text": failWith([]),
  "failure-that-is-no-utf-8": failWith([0x66, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
} satisfies Record<string, CalleeLie>;

// Lies about tail. The other side looks at tail only when it needs room, and a correct store of ours
// would undo the lie, so it is told again after each step until the other side has found it.

export type TailLie = (consumer: Consumer) => void;

export const tailLies = {
  "tail-beyond-head": consumerLies["tail-beyond-head"],
  "tail-far-away": consumerLies["tail-far-away"],
  "tail-off-its-line": consumerLies["tail-off-its-line"],
  /** Only after more than a ring's length: the other side may not have seen the tail before it. */
  "tail-moves-back": ({ arena, position }) => {
    if (position > BigInt(arena.capacity)) arena.tail = 0n;
  },
} satisfies Record<string, TailLie>;

export function callWithTail(lie: TailLie): CallerLie {
  return (caller, deadline) =>
    whileItRuns(caller, deadline, () => {
      if (caller.outstanding === 0) caller.tryCall(bytes);
      const came = caller.tryReply() !== undefined;
      lie(caller.consumer);
      return came;
    });
}

export function answerWithTail(lie: TailLie): CalleeLie {
  return (callee, deadline) =>
    whileItRuns(callee, deadline, () => {
      const request = callee.tryRequest();
      lie(callee.consumer);
      if (request === undefined) return false;
      callee.answer(request.correlationId, answerTo(request.bytes), 0, deadline);
      return true;
    });
}

// Sides that do nothing wrong and yet never do their part. They go on until the other side ends.

export const callerStalls = {
  /** The reverse ring fills, and then the forward one, since requests are sent as long as they fit. */
  "never-reads-replies": (caller, deadline) =>
    whileItRuns(caller, deadline, () => caller.tryCall(bytes)),
} satisfies Record<string, CallerLie>;

export const calleeStalls = {
  "never-takes-requests": (callee, deadline) => whileItRuns(callee, deadline, () => false),
  "never-replies": (callee, deadline) =>
    whileItRuns(callee, deadline, () => callee.tryRequest() !== undefined),
} satisfies Record<string, CalleeLie>;

/** Repeats a step while the other side is there; a step that did nothing is followed by a pause. */
function whileItRuns(end: RpcEnd, deadline: Deadline, step: () => boolean): void {
  while (end.state === states.ready && deadline.remainingMs > 0) {
    if (!step()) sleep(1);
  }
}
