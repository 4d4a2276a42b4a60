import { interest, role, status } from "../../ffi/table.ts";
import { ZerocrossError } from "../errors.ts";
import { closedError, printError, timedOut } from "../failures.ts";
import { looksWithin, now, setImmediate } from "../loop/clock.ts";
import { eventLoop, type Loop } from "../loop/loop.ts";
import { Pending } from "../loop/pending.ts";
import { isOpenWaiter, openWaiter } from "../loop/sleeper.ts";
import type { Task } from "../loop/task.ts";
import { type CheckedListen, checkListen, checkTimeout } from "../options.ts";
import { Acceptor } from "../rendezvous/acceptor.ts";
import type { Established } from "../rendezvous/opening.ts";
import type { ListenOptions, Message, Peer, Waiting } from "../types.ts";
import { Channel } from "./channel.ts";
import { Receiver } from "./receiver.ts";

/** A message, and the process that sent it. */
export interface FanInMessage extends Message {
  readonly peer: Peer;
}

/** Messages that one producer may have received in a row while others have some too. */
const rowMax = 32;
/** Milliseconds between two looks for connectors, for a caller that never waits. */
const acceptPause = 1;
/** Milliseconds that a thread sleeps at most while a handshake is under way, or nobody can be accepted. */
const acceptorPause = 1;

/**
 * Any number of producers into one consumer. Each has a ring of its own, of `capacity` bytes, and
 * its messages come in their order. A producer with much to say does not keep others waiting.
 *
 * Producers connect and go as they like. One that breaks its ring, or dies, is dropped when all that
 * it had published before was received; the others do not notice.
 *
 * ```ts
 * await using telemetry = await FanIn.listen("/run/telemetry.sock");
 * for await (const { bytes, peer } of telemetry) record(peer.pid, bytes);
 * ```
 */
export class FanIn implements AsyncIterable<FanInMessage>, AsyncDisposable {
  readonly #path: string;
  readonly #spin: number;
  readonly #acceptor: Acceptor;
  readonly #loop: Loop;
  readonly #waits: Pending;
  readonly #sources: Source[] = [];
  /** The source that is asked next, and how many messages in a row it has had. */
  #turn = 0;
  #row = 0;
  /** Whether the event loop watches the sources: while calls wait, and for one turn after. */
  #isWatching = false;
  #acceptedAt = 0;
  /** The native waiter that `receiveSync` sleeps with, opened when it first does. */
  #syncWaiter: number | undefined;
  #isClosed = false;

  private constructor(path: string, options: CheckedListen) {
    this.#path = path;
    this.#spin = options.spin;
    this.#acceptor = new Acceptor(role.consumer, path, options, {
      onConnection: (established) => this.#add(established),
      onLost: () => {},
      onError: printError,
    });
    this.#loop = eventLoop(this.#acceptor.library);
    this.#waits = new Pending(this.#loop, {
      start: () => (this.#isClosed ? this.#failAll() : this.#watch()),
      stop: () => void setImmediate(() => this.#unwatch()),
    });
  }

  /**
   * Binds `path`, and lets producers connect there as long as this is open.
   *
   * @throws {SystemError} when the path cannot be bound, or another process listens there.
   */
  static async listen(path: string, options?: ListenOptions): Promise<FanIn> {
    const checked = checkListen(options);
    checked.signal?.throwIfAborted();
    return new FanIn(path, checked);
  }

  /** Producers that are connected now, or have gone and left messages that were not received. */
  get connections(): number {
    return this.#sources.length;
  }

  /** The next message, copied. `undefined`: nothing there now. */
  tryReceive(): FanInMessage | undefined {
    if (this.#isClosed) throw this.#closedError();
    // Producers that always have a message must not keep others from connecting.
    if (this.#row === rowMax) this.#acceptNowAndThen();
    // One round more than there are sources: one that has had `rowMax` messages in a row is asked again
    // when no other has any.
    for (let left = this.#sources.length + 1; left > 0; left--) {
      const source = this.#sources[this.#turn % this.#sources.length];
      if (source === undefined) break;
      const message = this.#row < rowMax ? this.#receiveFrom(source) : undefined;
      if (message !== undefined) {
        this.#row += 1;
        return message;
      }
      if (!source.hasEnded) this.#turn = (this.#turn + 1) % this.#sources.length;
      this.#row = 0;
    }
    this.#acceptNowAndThen();
    return undefined;
  }

  /** Like `tryReceive`; while there is nothing, waits without blocking the event loop. */
  receive(waiting?: Waiting): Promise<FanInMessage> {
    return this.#waits.until(
      () => this.tryReceive(),
      waiting,
      () => this.#timedOut(),
    );
  }

  /** Like `tryReceive`; while there is nothing, waits on this thread, which runs nothing else (see `Waiting`). */
  receiveSync(waiting?: Waiting): FanInMessage {
    const start = now();
    const deadline = start + checkTimeout(waiting);
    const looksMax = looksWithin(this.#spin);
    for (let looks = 1; ; looks++) {
      const message = this.tryReceive();
      if (message !== undefined) return message;
      const time = now();
      if (time >= deadline) throw this.#timedOut();
      if ((time - start) * 1000 >= this.#spin || looks >= looksMax) this.#sleep(deadline - time);
    }
  }

  /** The messages to come. Ends with a `ClosedError` when this is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<FanInMessage, void, undefined> {
    while (true) yield await this.receive();
  }

  /** Frees the path and tells every producer. What waits rejects. May be called again. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#acceptor.close();
    this.#failAll();
    for (const source of [...this.#sources]) source.end();
    if (this.#syncWaiter !== undefined) this.#calls.zc_waiter_close(this.#syncWaiter);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  get #calls() {
    return this.#acceptor.library.calls;
  }

  /**
   * `undefined` when the source has no message now, or has ended. One that has ended is dropped, and the
   * reason with it: that its producer closed, died or broke its ring does not concern the others.
   */
  #receiveFrom(source: Source): FanInMessage | undefined {
    try {
      const message = source.receiver.tryReceive();
      if (message === undefined) return undefined;
      if (message !== null) return { ...message, peer: source.channel.peer };
    } catch (error) {
      if (!(error instanceof ZerocrossError)) throw error;
    }
    source.end();
    return undefined;
  }

  #add(established: Established): void {
    const source = new Source(established, this.#loop, {
      isWatched: () => this.#isWatching,
      advance: () => this.#waits.answer(rowMax) > 0,
      fail: (error) => this.#fail(error),
      onEnd: () => this.#remove(source),
    });
    this.#sources.push(source);
    if (this.#isWatching) this.#loop.start(source);
  }

  #remove(source: Source): void {
    const index = this.#sources.indexOf(source);
    this.#sources.splice(index, 1);
    if (index < this.#turn) this.#turn -= 1;
    this.#row = 0;
  }

  #failAll(): void {
    this.#waits.failAll(() => this.#closedError());
  }

  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    for (const source of this.#sources) this.#loop.start(source);
    if (this.#isWatching) this.#acceptor.start();
  }

  /** What waits next is watched for anew. */
  #fail(error: unknown): void {
    this.#waits.failAll(() => error);
    this.#unwatch();
  }

  #unwatch(): void {
    if (!this.#waits.isEmpty) return;
    this.#isWatching = false;
    for (const source of this.#sources) this.#loop.stop(source);
    this.#acceptor.stop();
  }

  #acceptNowAndThen(): void {
    const time = now();
    if (time - this.#acceptedAt < acceptPause) return;
    this.#acceptedAt = time;
    this.#acceptor.advance();
  }

  /** Returns when there may be something, after `timeout` milliseconds at the latest. */
  #sleep(timeout: number): void {
    const calls = this.#calls;
    const waiter = this.#openSyncWaiter();
    const tasks: Task[] = [...this.#sources];
    if (this.#acceptor.isOpen) tasks.push(this.#acceptor);
    let isReady = false;
    for (const task of tasks) {
      task.watch((what, size) => {
        if (calls.zc_waiter_watch(waiter, task.handle, what, size) !== status.ok) isReady = true;
      });
    }
    const isPlain = this.#acceptor.isOpen && !this.#acceptor.isAdmitting;
    const pauseMax = this.#acceptor.hasWorkLeft ? 0 : acceptorPause;
    const sleepMax = isPlain ? Infinity : pauseMax;
    if (!isReady) calls.zc_waiter_wait(waiter, Math.min(timeout, sleepMax));
    calls.zc_waiter_take(waiter, new Uint32Array(tasks.length), tasks.length);
    for (const task of tasks) calls.zc_waiter_unwatch(task.handle);
    this.#acceptor.advance();
    if (!this.#isWatching) return;
    // Calls on the event loop wait too, and their watches were just taken off: they are set again.
    this.#isWatching = false;
    for (const task of tasks) this.#loop.stop(task);
    this.#watch();
  }

  /** The one that it has had, unless another thread has come to have it while nothing was armed. */
  #openSyncWaiter(): number {
    const { library } = this.#acceptor;
    const number = this.#syncWaiter;
    if (number !== undefined && isOpenWaiter(library, number)) return number;
    this.#syncWaiter = openWaiter(library);
    return this.#syncWaiter;
  }

  #timedOut(): DOMException {
    return timedOut(`receiving (${this.#path})`);
  }

  #closedError(): Error {
    return closedError(`receiving (${this.#path})`);
  }
}

interface SourceEvents {
  isWatched(): boolean;
  advance(): boolean;
  fail(error: unknown): void;
  onEnd(): void;
}

/** One producer. */
class Source implements Task {
  readonly channel: Channel;
  readonly receiver: Receiver;
  readonly handle: number;
  readonly spin: number;
  hasEnded = false;
  readonly #loop: Loop;
  readonly #events: SourceEvents;

  constructor(established: Established, loop: Loop, events: SourceEvents) {
    this.channel = new Channel(established);
    this.receiver = new Receiver(this.channel);
    this.handle = established.handle;
    this.spin = established.spin;
    this.#loop = loop;
    this.#events = events;
  }

  get isWaiting(): boolean {
    return !this.hasEnded && this.#events.isWatched();
  }

  advance(): boolean {
    return this.#events.advance();
  }

  fail(error: unknown): void {
    this.#events.fail(error);
  }

  watch(arm: Parameters<Task["watch"]>[0]): void {
    arm(interest.news, 0);
  }

  end(): void {
    this.hasEnded = true;
    this.#loop.stop(this);
    this.channel.close();
    this.#events.onEnd();
  }
}
