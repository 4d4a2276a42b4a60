/** One arena in shared memory: the control fields by name, and every byte for who wants to lie. */
import * as libc from "./libc.ts";
import { alignment, controlSize, magic, offsets, states, type Wire } from "./wire.ts";

export const requiredSeals = libc.seals.shrink | libc.seals.grow | libc.seals.seal;

export interface ArenaOptions {
  wire?: Wire;
  /** The file's size in bytes, when it shall not be that of the control block and the ring. */
  fileSize?: number;
  /** The seals that are set, when they shall not be those that the wire asks for. */
  seals?: number;
  /** Where head and tail begin; a multiple of 64, to meet counters that an hour of traffic makes. */
  start?: bigint;
}

export class Arena {
  readonly fd: number;
  readonly capacity: number;
  readonly address: number;
  /** The whole mapping. Touching it after close is a fault of the process. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly ring: Uint8Array;
  readonly #words32: Uint32Array;
  readonly #words64: BigUint64Array;

  /** Creates, sizes, seals and fills in a memory file, as a listener does. */
  static create(capacity: number, options: ArenaOptions = {}): Arena {
    const fd = libc.createMemory("zerocross-test-peer");
    libc.truncate(fd, options.fileSize ?? controlSize + capacity);
    const wanted = options.seals ?? requiredSeals;
    if (wanted !== 0) libc.addSeals(fd, wanted);
    const arena = new Arena(fd, capacity);
    arena.#initialise(options.wire ?? 4, options.start ?? 0n);
    return arena;
  }

  /** Lays an arena out in a file that somebody else made, whatever that file is. */
  static layOut(fd: number, capacity: number, wire: Wire): Arena {
    libc.truncate(fd, controlSize + capacity);
    const arena = new Arena(fd, capacity);
    arena.#initialise(wire, 0n);
    return arena;
  }

  /** Maps what a listener has filled in, as a connector does. Takes over the descriptor. */
  static map(fd: number, capacity: number): Arena {
    return new Arena(fd, capacity);
  }

  private constructor(fd: number, capacity: number) {
    const { address, memory } = libc.map(fd, controlSize + capacity);
    this.fd = fd;
    this.capacity = capacity;
    this.address = address;
    this.bytes = new Uint8Array(memory);
    this.view = new DataView(memory);
    this.ring = new Uint8Array(memory, controlSize);
    this.#words32 = new Uint32Array(memory, 0, controlSize / 4);
    this.#words64 = new BigUint64Array(memory, 0, controlSize / 8);
  }

  #initialise(wire: Wire, start: bigint): void {
    this.state = states.initialising;
    this.store32(offsets.magic, magic);
    this.store32(offsets.version, wire);
    this.store32(offsets.capacity, this.capacity);
    this.store32(offsets.alignment, alignment);
    this.head = start;
    this.tail = start;
    this.state = states.ready;
  }

  // Every access to a control field is an Atomics one, sequentially consistent. That is stronger than
  // the wire asks for: it brings the release stores, the acquire loads and both fences with it.

  load32(offset: number): number {
    return Atomics.load(this.#words32, offset / 4);
  }
  store32(offset: number, value: number): void {
    Atomics.store(this.#words32, offset / 4, value);
  }
  load64(offset: number): bigint {
    return Atomics.load(this.#words64, offset / 8);
  }
  store64(offset: number, value: bigint): void {
    Atomics.store(this.#words64, offset / 8, value);
  }

  get state(): number {
    return this.load32(offsets.state);
  }
  set state(value: number) {
    this.store32(offsets.state, value);
  }

  get head(): bigint {
    return this.load64(offsets.head);
  }
  set head(value: bigint) {
    this.store64(offsets.head, value);
  }

  get tail(): bigint {
    return this.load64(offsets.tail);
  }
  set tail(value: bigint) {
    this.store64(offsets.tail, value);
  }

  get producerAbilities(): number {
    return this.load32(offsets.producerAbilities);
  }
  set producerAbilities(value: number) {
    this.store32(offsets.producerAbilities, value);
  }

  get consumerAbilities(): number {
    return this.load32(offsets.consumerAbilities);
  }
  set consumerAbilities(value: number) {
    this.store32(offsets.consumerAbilities, value);
  }

  get consumerSleeping(): number {
    return this.load32(offsets.consumerSleeping);
  }
  set consumerSleeping(value: number) {
    this.store32(offsets.consumerSleeping, value);
  }

  get producerParked(): number {
    return this.load32(offsets.producerParked);
  }
  set producerParked(value: number) {
    this.store32(offsets.producerParked, value);
  }

  get laneHead(): bigint {
    return this.load64(offsets.laneHead);
  }
  set laneHead(value: bigint) {
    this.store64(offsets.laneHead, value);
  }

  /** Sleeps while the u32 at `offset` is `expected`. */
  futexWait(offset: number, expected: number, timeoutMs: number): void {
    libc.futexWait(this.address + offset, expected, timeoutMs);
  }

  futexWake(offset: number): void {
    libc.futexWake(this.address + offset);
  }

  /** Where in the ring a counter points. */
  ringOffset(position: bigint): number {
    return Number(position % BigInt(this.capacity));
  }

  /** Gives the mapping back and keeps the descriptor. */
  unmap(): void {
    libc.unmap(this.address, controlSize + this.capacity);
  }

  /** Gives the mapping and the descriptor back. The state word is left as it is. */
  close(): void {
    this.unmap();
    libc.close(this.fd);
  }
}
