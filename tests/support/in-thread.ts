/**
 * Both ends of a channel in one thread. A connector asks `authorize` between its connection and the
 * handshake: there the test accepts the connection and hands over an arena that it made itself. So a
 * test takes one step at a time, with no other process to wait for, and sees every byte in `arena`.
 */
import { type ConnectOptions, Consumer, Producer, type WaitPolicy } from "../../src/index.ts";
import { Arena } from "../peer/arena.ts";
import { Deadline } from "../peer/deadline.ts";
import * as libc from "../peer/libc.ts";
import { acceptPeer, closeListener, listenOnce, openListener } from "../peer/rendezvous.ts";
import { encodeHandshake, honestHandshake, type Wire } from "../peer/wire.ts";

export interface ArenaOptions {
  /** Default 4096. */
  capacity?: number;
  /** Default 4. */
  wire?: Wire;
  /** Where head and tail begin; a multiple of 64. */
  start?: bigint;
}

/** The half of `typeof Producer` and `typeof Consumer` that is wanted here. */
interface Kind<End> {
  connectSync(path: string, options: ConnectOptions): End;
}

/** An end of the library over `arena`. Its peer, as far as the kernel knows, is this process. */
function connect<End>(kind: Kind<End>, arena: Arena, wire: Wire, wait: WaitPolicy): End {
  // Unlike a number of its own, also other than those of this process's workers.
  const path = `@zerocross-in-thread-${crypto.randomUUID()}`;
  const listener = openListener(path);
  const handOver = () => {
    const socket = acceptPeer(listener, new Deadline(1000));
    const handshake = encodeHandshake(wire, honestHandshake(wire, arena.capacity));
    libc.sendMessage(socket, handshake, [arena.fd]);
    libc.close(socket);
    return true;
  };
  try {
    return kind.connectSync(path, { retry: false, timeout: 1000, wait, authorize: handOver });
  } finally {
    closeListener(listener, path);
  }
}

/** An arena of the test's, which may be connected to any number of times, and which it closes last. */
export class TestArena implements Disposable {
  readonly arena: Arena;
  readonly #wire: Wire;
  readonly #ends: Disposable[] = [];

  constructor({ capacity = 4096, wire = 4, start = 0n }: ArenaOptions = {}) {
    this.#wire = wire;
    this.arena = Arena.create(capacity, { wire, start });
  }

  producer(wait: WaitPolicy = {}): Producer {
    return this.#keep(this.droppedProducer(wait));
  }

  consumer(wait: WaitPolicy = {}): Consumer {
    return this.#keep(this.droppedConsumer(wait));
  }

  /** One that is garbage as soon as the caller drops it. */
  droppedProducer(wait: WaitPolicy = {}): Producer {
    return connect(Producer, this.arena, this.#wire, wait);
  }

  /** One that is garbage as soon as the caller drops it. */
  droppedConsumer(wait: WaitPolicy = {}): Consumer {
    return connect(Consumer, this.arena, this.#wire, wait);
  }

  /** Listens until another process has connected to this arena. */
  offer(path: string): void {
    listenOnce(path, { wire: this.#wire, arenas: [this.arena] }, new Deadline(10_000));
  }

  #keep<End extends Disposable>(end: End): End {
    this.#ends.push(end);
    return end;
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end[Symbol.dispose]();
    this.arena.close();
  }
}

export interface Channel extends Disposable {
  readonly arena: Arena;
  readonly producer: Producer;
  readonly consumer: Consumer;
}

/** A producer and a consumer of the library over one arena. Hold it with `using`. */
export function openChannel(options: ArenaOptions = {}): Channel {
  const memory = new TestArena(options);
  const consumer = memory.consumer();
  const producer = memory.producer();
  return {
    arena: memory.arena,
    producer,
    consumer,
    [Symbol.dispose]: () => memory[Symbol.dispose](),
  };
}
