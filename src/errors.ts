/** What every error of zerocross has in common: a stable `code`, and a message that says it all. */
export class ZerocrossError extends Error {
  override readonly name: string = "ZerocrossError";
  /** `ERR_ZEROCROSS_...`; stays the same when a message is reworded. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The peer closed its end; nothing more can be sent to it. */
export class PeerClosedError extends ZerocrossError {
  override readonly name = "PeerClosedError";
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ZEROCROSS_PEER_CLOSED", message, options);
  }
}

/** The peer's process ended without closing. Everything that it had published was delivered. */
export class PeerDiedError extends ZerocrossError {
  override readonly name = "PeerDiedError";
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ZEROCROSS_PEER_DIED", message, options);
  }
}

/** This end was closed, or the slot or batch that was used is finished. */
export class ClosedError extends ZerocrossError {
  override readonly name = "ClosedError";
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ZEROCROSS_CLOSED", message, options);
  }
}

/** What is on the other side does not speak this wire, or a version of it that is not known. */
export class WireError extends ZerocrossError {
  override readonly name = "WireError";
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ZEROCROSS_WIRE", message, options);
  }
}

/** The shared memory holds what no correct peer writes. The channel cannot be used any more. */
export class CorruptError extends ZerocrossError {
  override readonly name = "CorruptError";
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ZEROCROSS_CORRUPT", message, options);
  }
}

/** `authorize`, or its default, refused the peer. */
export class UnauthorizedError extends ZerocrossError {
  override readonly name = "UnauthorizedError";
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ZEROCROSS_UNAUTHORIZED", message, options);
  }
}

/** The operating system refused something, or is not one that zerocross runs on. */
export class SystemError extends ZerocrossError {
  override readonly name = "SystemError";
  /** The system call that failed, such as `bind`; `""` when it did not come to one. */
  readonly syscall: string;
  /** The name of its error, such as `EACCES`; `""` when it did not come to one. */
  readonly errno: string;

  constructor(message: string, syscall = "", errno = "", options?: ErrorOptions) {
    super("ERR_ZEROCROSS_SYSTEM", message, options);
    this.syscall = syscall;
    this.errno = errno;
  }
}

/** The handler on the other side threw; the message is that of what it threw. */
export class RpcError extends ZerocrossError {
  override readonly name = "RpcError";
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ZEROCROSS_RPC", message, options);
  }
}
