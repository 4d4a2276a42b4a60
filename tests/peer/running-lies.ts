/** The liar on the ring: what a hostile peer may write there, by name, so that tests can loop. */
import type { Consumer } from "./consumer.ts";
import type { Deadline } from "./deadline.ts";
import type { Producer } from "./producer.ts";
import {
  abilities,
  alignment,
  type Entry,
  encodeEntries,
  encodeHeader,
  laneSizeMax,
  offsets,
  packedTypeId,
  type RecordHeader,
  recordSize,
  skipHeader,
} from "./wire.ts";

// What a producer lies about. The ring is empty before the lie, and its next record does not lie at
// the ring's start; every message before the lie is good and nothing after it is a message.

type ProducerLie = (producer: Producer) => void;

/** Writes a header where the next record belongs and publishes `advance` bytes of it. */
export function publishHeader(
  producer: Producer,
  header: Partial<RecordHeader>,
  advance: number = recordSize(0),
): void {
  const { arena } = producer;
  const full = { size: 0, typeId: 0, reserved: recordSize(0), correlationId: 0n, ...header };
  arena.ring.set(encodeHeader(full), arena.ringOffset(producer.position));
  publishHead(producer, producer.position + BigInt(advance));
}

function publishHead(producer: Producer, head: bigint): void {
  producer.arena.head = head;
  producer.wakeConsumer();
}

/** Publishes a packed record whose entries are these bytes. */
function publishPacked(producer: Producer, packed: Uint8Array): void {
  producer.arena.producerAbilities = abilities.packedRecords;
  producer.tryStage(packed, packedTypeId);
  producer.publish();
}

/** A packed record of one entry of 8 bytes that says another size than it has. */
function packedWithSize(size: number): Uint8Array {
  const packed = encodeEntries([{ bytes: new Uint8Array(8), typeId: 0 }]);
  new DataView(packed.buffer).setUint32(0, size, true);
  return packed;
}

const toRingEnd = (producer: Producer) =>
  producer.arena.capacity - producer.arena.ringOffset(producer.position);

export const producerLies = {
  "reserved-0": (p) => publishHeader(p, { reserved: 0 }),
  "reserved-32": (p) => publishHeader(p, { reserved: 32 }),
  "reserved-off-its-line": (p) => publishHeader(p, { size: 8, reserved: 100 }, 128),
  "reserved-huge": (p) => publishHeader(p, { size: 8, reserved: 0xffffffc0 }, 128),
  "size-above-reserved": (p) => publishHeader(p, { size: 65, reserved: 128 }, 128),
  "size-huge": (p) => publishHeader(p, { size: 0xfffffffe, reserved: 128 }, 128),
  "size-that-overflows": (p) => publishHeader(p, { size: 0xffffffc0, reserved: 64 }, 64),
  "record-passes-the-ring": (p) =>
    publishHeader(p, { size: 8, reserved: toRingEnd(p) + alignment }, toRingEnd(p)),
  "record-passes-head": (p) => publishHeader(p, { size: 100, reserved: 192 }, 128),
  "two-skips": (p) => {
    p.arena.ring.set(encodeHeader(skipHeader), 0);
    publishHeader(p, skipHeader, toRingEnd(p) + alignment);
  },
  "head-moves-back": (p) => publishHead(p, p.position - BigInt(alignment)),
  "head-back-to-0": (p) => publishHead(p, 0n),
  "head-jumps": (p) => publishHead(p, p.position + BigInt(p.arena.capacity + alignment)),
  "head-far-away": (p) => publishHead(p, 2n ** 64n - 64n),
  "head-off-its-line": (p) => publishHead(p, p.position + 8n),
  "packed-entry-passes-its-record": (p) => publishPacked(p, packedWithSize(9)),
  "packed-entry-huge": (p) => publishPacked(p, packedWithSize(0xfffffff8)),
  "packed-entry-without-a-header": (p) => publishPacked(p, new Uint8Array(4)),
} satisfies Record<string, ProducerLie>;

/** The lies about packed records; they are lies only to a consumer that takes such records. */
export const packedLies: readonly (keyof typeof producerLies)[] = [
  "packed-entry-passes-its-record",
  "packed-entry-huge",
  "packed-entry-without-a-header",
];

// Lies that a consumer must not notice: the message, of at least one byte, arrives as it is.

type HarmlessLie = (producer: Producer, message: Entry) => void;

/** Publishes a good record with a lane that says something else; its bytes are all 0xee. */
function publishWithLane(
  producer: Producer,
  message: Entry,
  lane: { size: number; headAhead?: bigint },
): void {
  const { arena } = producer;
  producer.tryStage(message.bytes, message.typeId);
  arena.laneHead = producer.position + (lane.headAhead ?? 0n);
  arena.store32(offsets.laneSize, lane.size);
  arena.bytes.fill(0xee, offsets.lanePayload, offsets.lanePayload + laneSizeMax);
  producer.publish();
}

/** Publishes a good record after a field of the control block was overwritten. */
function publishAfterStore(
  producer: Producer,
  message: Entry,
  offset: number,
  value: number,
): void {
  producer.arena.store32(offset, value);
  producer.tryStage(message.bytes, message.typeId);
  producer.publish();
}

export const harmlessLies = {
  "capacity-in-memory-changes": (producer, message) =>
    publishAfterStore(producer, message, offsets.capacity, 64),
  "magic-in-memory-changes": (producer, message) =>
    publishAfterStore(producer, message, offsets.magic, 0),
  "lane-above-its-limit": (producer, message) =>
    publishWithLane(producer, message, { size: Math.max(message.bytes.length, laneSizeMax + 1) }),
  "lane-size-huge": (producer, message) => publishWithLane(producer, message, { size: 0xffffffff }),
  "lane-shorter-than-its-record": (producer, message) =>
    publishWithLane(producer, message, { size: 0 }),
  "lane-of-another-head": (producer, message) =>
    publishWithLane(producer, message, { size: message.bytes.length, headAhead: 64n }),
} satisfies Record<string, HarmlessLie>;

// What a consumer lies about. A producer looks at tail only when it needs room, so it must go on.

type ConsumerLie = (consumer: Consumer, deadline: Deadline) => void;

export const consumerLies = {
  "tail-beyond-head": ({ arena }) => {
    arena.tail = arena.head + 2n ** 40n;
  },
  "tail-far-away": ({ arena }) => {
    arena.tail = 2n ** 64n - 64n;
  },
  "tail-off-its-line": (consumer) => {
    consumer.arena.tail = consumer.position + 8n;
  },
  /** Only after more than a ring's length: a producer may not have seen the tail before it. */
  "tail-moves-back": (consumer, deadline) => {
    while (consumer.position <= BigInt(consumer.arena.capacity)) {
      if (consumer.receive(deadline) === null) throw new Error("the producer sent too little");
    }
    consumer.arena.tail = 0n;
  },
} satisfies Record<string, ConsumerLie>;
