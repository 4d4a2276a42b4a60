/** A correct producer, written from the wire's description, one step at a time where a test asks. */
import type { Arena } from "./arena.ts";
import type { Deadline } from "./deadline.ts";
import { sleep } from "./libc.ts";
import {
  abilities,
  alignment,
  type Entry,
  encodeEntries,
  encodeHeader,
  laneSizeMax,
  maxMessageSize,
  offsets,
  packedTypeId,
  recordSize,
  skipHeader,
  sleeping,
  states,
} from "./wire.ts";

export interface ProducerOptions {
  /** Also writes small lone messages into head's line. */
  lane?: boolean;
  /** Declares that it sends packed records. */
  packed?: boolean;
  /** Sets the parking word while the ring is full. */
  parks?: boolean;
  /** Publishes with every so many records; the family publishes with every 32nd. */
  publishEvery?: number;
}

export class Producer {
  readonly arena: Arena;
  readonly #options: ProducerOptions;
  #position: bigint;
  #published: bigint;
  #staged: { bytes: Uint8Array; typeId: number; correlationId: bigint }[] = [];
  /** Records that went out through the lane as well, for tests that must know that some did. */
  laneRecords = 0;

  constructor(arena: Arena, options: ProducerOptions = {}) {
    this.arena = arena;
    this.#options = options;
    this.#position = arena.head;
    this.#published = this.#position;
    if (options.packed) arena.producerAbilities = abilities.packedRecords;
  }

  /** Where the next record goes, or the header line that skips to the ring's start. */
  get position(): bigint {
    return this.#position;
  }

  get state(): number {
    return this.arena.state;
  }

  get consumerTakesPacked(): boolean {
    return (this.arena.consumerAbilities & abilities.packedRecords) !== 0;
  }

  /**
   * Writes a record that no consumer sees yet; false: there is no room. `reserved` above what the
   * payload needs makes it a record of which less was committed than was claimed.
   */
  tryStage(
    bytes: Uint8Array,
    typeId = 0,
    correlationId = 0n,
    reserved = recordSize(bytes.length),
  ): boolean {
    if (reserved - alignment > maxMessageSize(this.arena.capacity)) {
      throw new RangeError(`a record of ${reserved} bytes in a ring of ${this.arena.capacity}`);
    }
    let at = this.arena.ringOffset(this.#position);
    const toEnd = this.arena.capacity - at;
    const skipped = reserved > toEnd ? toEnd : 0;
    if (!this.#hasRoom(skipped + reserved)) return false;
    if (skipped > 0) {
      this.arena.ring.set(encodeHeader(skipHeader), at);
      at = 0;
    }
    const size = bytes.length;
    this.arena.ring.set(encodeHeader({ size, typeId, reserved, correlationId }), at);
    this.arena.ring.set(bytes, at + alignment);
    this.#position += BigInt(skipped + reserved);
    this.#staged.push({ bytes, typeId, correlationId });
    return true;
  }

  /** Stages all entries as one packed record. Only towards a consumer that takes them. */
  tryStagePacked(entries: readonly Entry[]): boolean {
    return this.tryStage(encodeEntries(entries), packedTypeId);
  }

  /** Publishes everything staged with one store of head and wakes the consumer if it sleeps. */
  publish(): void {
    if (this.#position === this.#published) return;
    const [only, second] = this.#staged;
    const fitsLane = only !== undefined && second === undefined && only.bytes.length <= laneSizeMax;
    if (this.#options.lane && fitsLane && only.typeId !== packedTypeId) this.#writeLane(only);
    this.#staged = [];
    this.#published = this.#position;
    this.arena.head = this.#position;
    this.wakeConsumer();
  }

  trySend(bytes: Uint8Array, typeId = 0, correlationId = 0n): boolean {
    if (!this.tryStage(bytes, typeId, correlationId)) return false;
    this.#publishWhenDue();
    return true;
  }

  send(bytes: Uint8Array, typeId: number, deadline: Deadline): void {
    this.#until(() => this.tryStage(bytes, typeId), deadline);
    this.#publishWhenDue();
  }

  sendPacked(entries: readonly Entry[], deadline: Deadline): void {
    this.#until(() => this.tryStagePacked(entries), deadline);
    this.#publishWhenDue();
  }

  /** Waits until the consumer has released everything. */
  drain(deadline: Deadline): void {
    this.publish();
    this.#until(() => this.arena.tail === this.#position, deadline);
  }

  close(): void {
    this.publish();
    if (this.arena.state === states.ready) this.arena.state = states.disconnected;
    this.wakeConsumer();
  }

  /** The stores before this call and the load in it are ordered: both are sequentially consistent. */
  wakeConsumer(): void {
    if (this.arena.consumerSleeping === sleeping.asleep) {
      this.arena.futexWake(offsets.consumerSleeping);
    }
  }

  /** Waits a moment for room; the caller looks again, since nothing says why it ended. */
  park(): void {
    if (!this.#options.parks) {
      sleep(1);
      return;
    }
    const { tail } = this.arena;
    this.arena.producerParked = 1;
    if (this.arena.tail === tail) this.arena.futexWait(offsets.producerParked, 1, 1);
    this.arena.producerParked = 0;
  }

  #publishWhenDue(): void {
    if (this.#staged.length >= (this.#options.publishEvery ?? 1)) this.publish();
  }

  #hasRoom(needed: number): boolean {
    const used = this.#position - this.arena.tail;
    if (used < 0n || used > BigInt(this.arena.capacity) || used % BigInt(alignment) !== 0n) {
      this.arena.state = states.fatal;
      throw new Error(`the consumer's tail lies: ${used} bytes in use`);
    }
    return used + BigInt(needed) <= BigInt(this.arena.capacity);
  }

  #writeLane(message: { bytes: Uint8Array; typeId: number; correlationId: bigint }): void {
    const { arena } = this;
    arena.laneHead = this.#position;
    arena.store32(offsets.laneSize, message.bytes.length);
    arena.store32(offsets.laneTypeId, message.typeId);
    arena.store64(offsets.laneCorrelationId, message.correlationId);
    const payload = new BigUint64Array(laneSizeMax / 8);
    new Uint8Array(payload.buffer).set(message.bytes);
    payload.forEach((word, i) => {
      arena.store64(offsets.lanePayload + 8 * i, word);
    });
    this.laneRecords++;
  }

  #until(attempt: () => boolean, deadline: Deadline): void {
    for (let tries = 0; !attempt(); tries++) {
      // What is staged but unpublished would never be released, and the ring never emptied.
      this.publish();
      if (this.arena.state >= states.disconnected) {
        throw new Error(`the consumer left: state ${this.arena.state}`);
      }
      deadline.check("for room in the ring");
      if (tries >= 1000) this.park();
    }
  }
}
