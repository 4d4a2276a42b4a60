/** A correct consumer, written from the wire's description, one step at a time where a test asks. */
import type { Arena } from "./arena.ts";
import type { Deadline } from "./deadline.ts";
import {
  abilities,
  alignment,
  controlSize,
  decodeEntries,
  decodeHeader,
  type Entry,
  laneSizeMax,
  offsets,
  packedTypeId,
  type RecordHeader,
  recordSize,
  skipSize,
  sleeping,
  states,
} from "./wire.ts";

export interface ConsumerOptions {
  /** Reads a lone small message from head's line where that is valid. */
  lane?: boolean;
  /** Declares that it takes packed records, and unpacks them. */
  packed?: boolean;
  /** Wakes a producer that is parked. Peers of the family do not know how. */
  wakesProducer?: boolean;
  /** Spins instead of sleeping, and says so. */
  neverSleeps?: boolean;
}

export interface Received {
  /** The consumer's own copy. */
  readonly bytes: Uint8Array;
  readonly typeId: number;
  readonly correlationId: bigint;
  readonly via: "ring" | "lane" | "packed";
}

/** Thrown for what no correct producer does; the state is then 4. */
export class CorruptRing extends Error {
  override name = "CorruptRing";
}

const recordsPerRelease = 32;
const sleepMsMax = 20;

export class Consumer {
  readonly arena: Arena;
  readonly #options: ConsumerOptions;
  readonly #capacity: bigint;
  /** The head that was last acquired; the consumer walks up to it without looking again. */
  #head: bigint;
  #position: bigint;
  /** What may be released. It stays behind the position while a packed record is handed out. */
  #consumed: bigint;
  #released: bigint;
  #recordsSinceRelease = 0;
  #entries: Entry[] = [];

  constructor(arena: Arena, options: ConsumerOptions = {}) {
    this.arena = arena;
    this.#options = options;
    this.#capacity = BigInt(arena.capacity);
    this.#position = arena.tail;
    this.#head = this.#position;
    this.#consumed = this.#position;
    this.#released = this.#position;
    if (options.packed) arena.consumerAbilities = abilities.packedRecords;
    if (options.neverSleeps) arena.consumerSleeping = sleeping.never;
  }

  get state(): number {
    return this.arena.state;
  }

  /** Where the next record is looked for. */
  get position(): bigint {
    return this.#position;
  }

  /** The next message; undefined: none is published, and everything consumed is released. */
  tryReceive(): Received | undefined {
    for (;;) {
      const entry = this.#nextEntry();
      if (entry !== undefined) return { ...entry, correlationId: 0n, via: "packed" };
      if (this.#position === this.#head) {
        this.#acquireHead();
        if (this.#position === this.#head) {
          this.release();
          return undefined;
        }
        const inLane = this.#options.lane ? this.#tryLane() : undefined;
        if (inLane !== undefined) return inLane;
      }
      const inRing = this.#tryRing();
      if (inRing !== undefined) return inRing;
    }
  }

  /** The next message, waiting for it; null: the producer closed and everything was delivered. */
  receive(deadline: Deadline): Received | null {
    for (;;) {
      // The state is read before the ring: what was published before closing is found after it.
      const { state } = this.arena;
      const message = this.tryReceive();
      if (message !== undefined) return message;
      if (state === states.disconnected) return null;
      if (state === states.fatal) throw new Error("the producer declared the ring broken");
      deadline.check("for a message");
      this.sleep();
    }
  }

  /** One store of tail for everything consumed so far. */
  release(): void {
    this.#recordsSinceRelease = 0;
    if (this.#consumed === this.#released) return;
    this.#released = this.#consumed;
    this.arena.tail = this.#consumed;
    if (this.#options.wakesProducer && this.arena.producerParked === 1) {
      this.arena.futexWake(offsets.producerParked);
    }
  }

  close(): void {
    this.release();
    if (this.arena.state === states.ready) this.arena.state = states.disconnected;
    if (this.#options.wakesProducer) this.arena.futexWake(offsets.producerParked);
  }

  /** Waits a moment for something to be published; one that never sleeps returns at once. */
  sleep(): void {
    if (this.#options.neverSleeps) return;
    this.arena.consumerSleeping = sleeping.asleep;
    const nothingCame = this.arena.head === this.#position;
    if (nothingCame && this.arena.state === states.ready) {
      this.arena.futexWait(offsets.consumerSleeping, sleeping.asleep, sleepMsMax);
    }
    this.arena.consumerSleeping = sleeping.awake;
  }

  #acquireHead(): void {
    const { head } = this.arena;
    const ahead = head - this.#released;
    if (head < this.#position) this.#corrupt(`head ${head} behind position ${this.#position}`);
    if (ahead > this.#capacity) this.#corrupt(`head jumps to ${head}`);
    if (head % BigInt(alignment) !== 0n) this.#corrupt(`head ${head} is not on a line`);
    this.#head = head;
  }

  #tryLane(): Received | undefined {
    const { arena } = this;
    const size = arena.load32(offsets.laneSize);
    const typeId = arena.load32(offsets.laneTypeId);
    const correlationId = arena.load64(offsets.laneCorrelationId);
    const payload = new BigUint64Array(laneSizeMax / 8);
    payload.forEach((_, i) => {
      payload[i] = arena.load64(offsets.lanePayload + 8 * i);
    });
    if (arena.laneHead !== this.#head || size > laneSizeMax) return undefined;
    if (this.#head - this.#position !== BigInt(recordSize(size))) return undefined;
    if (typeId === packedTypeId) return undefined;
    this.#advance(recordSize(size));
    return { bytes: new Uint8Array(payload.buffer, 0, size), typeId, correlationId, via: "lane" };
  }

  /** undefined: there was only a skip, or a packed record whose entries come next. */
  #tryRing(): Received | undefined {
    const at = this.arena.ringOffset(this.#position);
    const header = decodeHeader(this.arena.view, controlSize + at);
    if (header.size === skipSize) {
      this.#skip(at);
      return undefined;
    }
    this.#check(header, at);
    const start = at + alignment;
    const bytes = this.arena.ring.slice(start, start + header.size);
    if (this.#isPacked(header)) {
      this.#unpack(bytes, header.reserved);
      return undefined;
    }
    this.#advance(header.reserved);
    return { bytes, typeId: header.typeId, correlationId: header.correlationId, via: "ring" };
  }

  #isPacked({ typeId }: RecordHeader): boolean {
    const declared = (this.arena.producerAbilities & abilities.packedRecords) !== 0;
    return this.#options.packed === true && declared && typeId === packedTypeId;
  }

  #unpack(bytes: Uint8Array, reserved: number): void {
    const entries = decodeEntries(bytes);
    if (entries === undefined) this.#corrupt("a packed entry passes its record's end");
    this.#entries = entries;
    this.#position += BigInt(reserved);
    if (entries.length === 0) this.#finishRecord();
  }

  #nextEntry(): Entry | undefined {
    const entry = this.#entries.shift();
    if (entry !== undefined && this.#entries.length === 0) this.#finishRecord();
    return entry;
  }

  /** A skip leads to the ring's start, so one that lies there already leads nowhere. */
  #skip(at: number): void {
    if (at === 0) this.#corrupt("a skip at the start of the ring");
    const skipped = BigInt(this.arena.capacity - at);
    if (this.#position + skipped > this.#head) this.#corrupt("a skip passes head");
    this.#position += skipped;
    this.#consumed = this.#position;
  }

  #check({ size, reserved }: RecordHeader, at: number): void {
    const shown = `size ${size}, reserved ${reserved} at ${at}`;
    if (reserved < alignment || reserved % alignment !== 0) this.#corrupt(shown);
    if (reserved > this.arena.capacity - at) this.#corrupt(`${shown}: passes the ring's end`);
    if (size > reserved - alignment) this.#corrupt(`${shown}: size does not fit`);
    if (this.#position + BigInt(reserved) > this.#head) this.#corrupt(`${shown}: passes head`);
  }

  #advance(reserved: number): void {
    this.#position += BigInt(reserved);
    this.#finishRecord();
  }

  #finishRecord(): void {
    this.#consumed = this.#position;
    this.#recordsSinceRelease++;
    const isLate = this.#consumed - this.#released >= this.#capacity / 4n;
    if (isLate || this.#recordsSinceRelease >= recordsPerRelease) this.release();
  }

  #corrupt(what: string): never {
    this.arena.state = states.fatal;
    throw new CorruptRing(what);
  }
}
