import type { Calls, Library } from "../../ffi/library.ts";
import { memorySize, payloadMax, statsFields } from "../../ffi/table.ts";
import { SystemError } from "../errors.ts";
import { closedError, errorOf } from "../failures.ts";
import type { Pending } from "../loop/pending.ts";
import { pendingOf } from "../loop/pending.ts";
import type { Interest } from "../loop/task.ts";
import { closeHandle } from "../loop/turns.ts";
import type { Established } from "../rendezvous/opening.ts";
import type { Peer } from "../types.ts";

type Counts = Readonly<Record<(typeof statsFields)[number], number>>;

/** What is left to be closed of a channel that has become garbage. */
interface Remains {
  readonly library: Library;
  readonly handle: number;
  /** Null: nobody has seen the memory. */
  memory: DataView<ArrayBuffer> | null;
}

// A channel that was dropped without being closed is closed once the garbage collector finds it.
const dropped = new FinalizationRegistry(closeRemains);

function closeRemains({ library, handle, memory }: Remains): void {
  const isTransferred = memory !== null && memory.buffer.byteLength === 0;
  if (isTransferred && library.viewsOutlive) library.calls.zc_view_abandon(handle);
  closeHandle(library.calls, handle);
}

/** One end of a channel: what producer and consumer share, above all how it ends. */
export class Channel {
  readonly calls: Calls;
  /** 0, which names nothing, once closed: a number comes round again, and may name another channel then. */
  handle: number;
  readonly path: string;
  readonly peer: Peer;
  readonly capacity: number;
  readonly maxMessageSize: number;
  readonly library: Library;
  readonly spin: number;
  closed = false;

  readonly #remains: Remains;
  #waits: Pending | undefined;

  constructor(established: Established) {
    this.library = established.library;
    this.spin = established.spin;
    this.calls = established.library.calls;
    this.handle = established.handle;
    this.path = established.path;
    this.peer = established.peer;
    this.capacity = this.calls.zc_endpoint_capacity(this.handle);
    this.maxMessageSize = payloadMax(this.capacity);
    this.#remains = { library: this.library, handle: this.handle, memory: null };
    dropped.register(this, this.#remains, this);
  }

  /** The whole mapping. One object for the channel's life. */
  get memory(): DataView<ArrayBuffer> {
    this.#remains.memory ??= this.#openMemory();
    return this.#remains.memory;
  }

  #openMemory(): DataView<ArrayBuffer> {
    if (this.closed) throw closedError(`reading in place (${this.path})`);
    const size = memorySize(this.capacity);
    const outlives = this.library.viewsOutlive ? 1 : 0;
    const view = this.calls.zc_view_expose(this.handle, outlives);
    if (view < 0) this.fail(view, "reading or writing in place");
    try {
      const address = this.calls.zc_endpoint_address(this.handle);
      return new DataView(this.library.bufferAt(address, size, view));
    } catch (cause) {
      this.calls.zc_view_drop(view);
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SystemError(
        `reading or writing in place (${this.path}): this runtime gives no view of the shared memory (${reason}). ` +
          "Use the copying calls, or in Deno grant --allow-ffi without a path.",
        "",
        "",
        { cause },
      );
    }
  }

  /** The asynchronous calls that wait on this end. It only ever waits for one thing, `what`. */
  waitsFor(what: Interest): Pending {
    this.#waits ??= pendingOf(this, what);
    return this.#waits;
  }

  /** Throws what a negative `code` stands for. `doing` is the subject of the sentence. */
  fail(code: number, doing: string): never {
    if (this.closed) throw closedError(`${doing} (${this.path})`);
    const { path, peer } = this;
    throw errorOf(code, this.calls, this.handle, { doing, path, peer });
  }

  counts(): Counts {
    const values = new Float64Array(statsFields.length);
    const code = this.calls.zc_endpoint_stats(this.handle, values);
    if (code < 0) this.fail(code, "reading the statistics");
    return Object.fromEntries(statsFields.map((field, index) => [field, values[index]])) as Counts;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    dropped.unregister(this);
    this.#waits?.failAll(() => closedError(`waiting (${this.path})`));
    closeRemains(this.#remains);
    this.#remains.memory = null;
    this.handle = 0;
  }
}
