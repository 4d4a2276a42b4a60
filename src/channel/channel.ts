import type { Calls, Library } from "../../ffi/library.ts";
import { memorySize, payloadMax, statsFields } from "../../ffi/table.ts";
import { SystemError } from "../errors.ts";
import { closedError, errorOf } from "../failures.ts";
import type { Pending } from "../loop/pending.ts";
import { pendingOf } from "../loop/pending.ts";
import type { Interest } from "../loop/task.ts";
import type { Established } from "../rendezvous/opening.ts";
import type { Peer } from "../types.ts";

type Counts = Readonly<Record<(typeof statsFields)[number], number>>;

// A channel that was dropped without being closed is closed once the garbage collector finds it.
const dropped = new FinalizationRegistry(({ library, handle }: Established) => {
  library.calls.zc_endpoint_close(handle);
});

/** One end of a channel: what producer and consumer share, above all how it ends. */
export class Channel {
  readonly calls: Calls;
  readonly handle: number;
  readonly path: string;
  readonly peer: Peer;
  readonly capacity: number;
  readonly maxMessageSize: number;
  readonly library: Library;
  readonly spin: number;
  closed = false;

  #memory: DataView<ArrayBuffer> | undefined;
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
    dropped.register(this, established, this);
  }

  /** The whole mapping. One object for the channel's life. */
  get memory(): DataView<ArrayBuffer> {
    this.#memory ??= this.#openMemory();
    return this.#memory;
  }

  #openMemory(): DataView<ArrayBuffer> {
    if (this.closed) throw closedError(`reading in place (${this.path})`);
    const size = memorySize(this.capacity);
    const outlives = this.library.viewsOutlive ? 1 : 0;
    const view = this.calls.zc_view_expose(this.handle, outlives);
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
    this.calls.zc_endpoint_close(this.handle);
    this.#memory = undefined;
  }
}
