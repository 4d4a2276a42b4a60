/** The process on the other side, as the kernel names it (SO_PEERCRED). */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

export interface Waiting {
  /**
   * Milliseconds; default: no limit. On expiry a `DOMException` named `TimeoutError` is thrown.
   *
   * While a Sync call waits, this thread runs no JavaScript: no timer, and no handler of a signal. So
   * Ctrl-C does nothing until the call returns if SIGINT has a handler, and ends the process at once if
   * it has none. Give a `timeout` where that matters, and call again.
   */
  timeout?: number;
  /** Ends the wait: the promise rejects with the signal's reason. Asynchronous calls only. */
  signal?: AbortSignal;
}

export interface WaitPolicy {
  /**
   * Microseconds of looking before sleeping in the kernel; `Infinity` never sleeps. Default 50.
   * A Sync call looks all the time, an asynchronous one once in every turn of the event loop, and
   * four times as long after a sleep that was shorter than that.
   */
  spin?: number;
}

export interface ListenOptions extends Waiting {
  /** Bytes of the ring, a power of two from 4096 to 2 ** 30. Default 1 MiB. */
  capacity?: number;
  /** The wire version that is offered. Default 4. */
  wire?: 2 | 3 | 4;
  /** Permission bits of the socket file. Default 0o600. */
  mode?: number;
  /**
   * Whether a peer is welcome; one that is not is sent away. Default: the same uid as this process, but
   * not the overflow uid (65534), under which a user namespace shows everybody it has no number for.
   */
  authorize?: (peer: Peer) => boolean;
  wait?: WaitPolicy;
}

export interface ConnectOptions extends Waiting {
  /** Wait for the path to appear and accept. Default true; `timeout` is then 5000 by default. */
  retry?: boolean;
  /** Whether a listener may be trusted. Default: as for `ListenOptions`. */
  authorize?: (peer: Peer) => boolean;
  wait?: WaitPolicy;
}

/** A received message. */
export interface Message {
  /** The receiver's own copy. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly typeId: number;
}

/** A message that lies in shared memory. */
export interface MessageView {
  /** A view into the ring. */
  readonly bytes: Uint8Array;
  readonly typeId: number;
}

/** What a client asks. */
export interface Request {
  /** The receiver's own copy. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly typeId: number;
  /** The client's process. */
  readonly peer: Peer;
}

export interface ProducerStats {
  /** Messages that were published or staged. */
  readonly messages: number;
  /** Their payload bytes. */
  readonly bytes: number;
  /** Attempts that found the ring full. */
  readonly full: number;
  /** Waits for room in which this side slept in the kernel. */
  readonly sleeps: number;
  /** Bytes of the ring that the consumer is not known to have released. */
  readonly queued: number;
}

export interface ConsumerStats {
  /** Messages that were received. */
  readonly messages: number;
  /** Their payload bytes. */
  readonly bytes: number;
  /** Attempts that found nothing. */
  readonly empty: number;
  /** Waits for a message in which this side slept in the kernel. */
  readonly sleeps: number;
  /** Bytes of the ring that are known to be published and not yet received. */
  readonly queued: number;
}
