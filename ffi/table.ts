// Printed by `npm run generate` from zig/abi/exports.zig. Not to be edited.

export const numbers = {
  abi: 1088785027,
  controlSize: 768,
  headerSize: 64,
  entrySize: 8,
  capacityMin: 4096,
  capacityMax: 1073741824,
  capacityMinForeign: 128,
  typePacked: 4294967295,
  typeFailure: 4294967294,
  handleCount: 4096,
  placeWords: 3,
  wireMin: 2,
  wireMax: 4,
  sliceMs: 50,
} as const;

/** Bytes of the largest message that fits into a ring of `capacity` bytes from any position. */
export function payloadMax(capacity: number): number {
  return capacity / 2 - 64;
}

/** Bytes of the memory behind a ring of `capacity` bytes. */
export function memorySize(capacity: number): number {
  return 768 + capacity;
}

export const role = {
  producer: 0,
  consumer: 1,
  caller: 2,
  callee: 3,
} as const;

export const interest = {
  news: 0,
  room: 1,
  connector: 2,
  end: 3,
} as const;

export const ability = {
  takesAnyOrder: 1,
  takesFailures: 2,
  marksFailures: 4,
} as const;

export const status = {
  ok: 0,
  again: -1,
  peerClosed: -2,
  peerDied: -3,
  handleClosed: -4,
  corrupt: -5,
  timeout: -6,
  tooLarge: -7,
  wire: -8,
  system: -9,
  addressInUse: -10,
  pathRefused: -11,
  pathEmpty: -12,
  pathTooLong: -13,
  pathHasNul: -14,
  peerGone: -15,
  handlesExhausted: -16,
  misuse: -17,
  argument: -18,
} as const;

export const subject = {
  none: 0,
  socket: 1,
  bind: 2,
  listen: 3,
  accept: 4,
  connect: 5,
  sendmsg: 6,
  recvmsg: 7,
  getsockopt: 8,
  poll: 9,
  fchmod: 10,
  chmod: 11,
  lstat: 12,
  memfdCreate: 14,
  ftruncate: 15,
  fallocate: 16,
  fcntl: 17,
  fstat: 18,
  mmap: 19,
  madvise: 20,
  pidfdOpen: 21,
  unlink: 22,
  ioctl: 24,
  open: 25,
  magic: 64,
  version: 65,
  alignment: 66,
  capacity: 67,
  flags: 68,
  shmSize: 69,
  fileSize: 70,
  seals: 71,
  descriptors: 72,
  truncated: 73,
  silence: 74,
  accessMode: 75,
  memoryMagic: 76,
  memoryVersion: 77,
  memoryCapacity: 78,
  memoryAlignment: 79,
  memoryState: 80,
  trailingBytes: 81,
  role: 82,
  regularFile: 128,
  directory: 129,
  symlink: 130,
  otherFile: 131,
  head: 192,
  tail: 193,
  headerSize: 194,
  headerReserved: 195,
  headerEnd: 196,
  skip: 197,
  entry: 198,
  state: 199,
  peerVerdict: 200,
  correlation: 201,
  sizeChanged: 202,
} as const;

export const statsFields = ["messages", "bytes", "misses", "sleeps", "queued"] as const;

export const failureFields = ["subject", "errno", "pid", "found", "expected"] as const;

export const receivedField = {
  size: 0,
  typeId: 1,
  idLow: 2,
  idHigh: 3,
} as const;

export const symbols = {
  zc_abi: { parameters: [], result: "u32" },
  zc_process_uid: { parameters: [], result: "u32" },
  zc_overflow_uid: { parameters: [], result: "u32" },
  zc_endpoint_open: { parameters: [], result: "i32" },
  zc_endpoint_close: { parameters: ["u32"], result: "i32" },
  zc_memory_let_go: { parameters: [], result: "i32" },
  zc_endpoint_listen: { parameters: ["u32", "buffer", "u32", "u32"], result: "i32" },
  zc_endpoint_accept: { parameters: ["u32", "f64"], result: "i32" },
  zc_endpoint_accept_from: { parameters: ["u32", "u32", "f64"], result: "i32" },
  zc_endpoint_connect: { parameters: ["u32", "buffer", "u32", "f64", "u32"], result: "i32" },
  zc_endpoint_refuse: { parameters: ["u32"], result: "i32" },
  zc_endpoint_establish: { parameters: ["u32", "u32", "u32", "u32", "f64", "f64"], result: "i32" },
  zc_endpoint_peer: { parameters: ["u32", "buffer"], result: "i32" },
  zc_endpoint_failure: { parameters: ["u32", "buffer"], result: "i32" },
  zc_endpoint_stats: { parameters: ["u32", "buffer"], result: "i32" },
  zc_endpoint_capacity: { parameters: ["u32"], result: "i32" },
  zc_endpoint_address: { parameters: ["u32"], result: "f64" },
  zc_view_expose: { parameters: ["u32", "u32"], result: "i32" },
  zc_view_abandon: { parameters: ["u32"], result: "i32" },
  zc_view_drop: { parameters: ["u32"], result: "void" },
  zc_view_deallocator: { parameters: [], result: "f64" },
  zc_producer_try_send: { parameters: ["u32", "buffer", "u32", "u32"], result: "i32" },
  zc_producer_send: { parameters: ["u32", "buffer", "u32", "u32", "f64"], result: "i32" },
  zc_producer_try_send_many: {
    parameters: ["u32", "buffer", "u32", "buffer", "u32", "u32"],
    result: "i32",
  },
  zc_producer_try_claim: { parameters: ["u32", "u32"], result: "i32" },
  zc_producer_claim: { parameters: ["u32", "u32", "f64"], result: "i32" },
  zc_producer_commit: { parameters: ["u32", "u32", "u32"], result: "i32" },
  zc_producer_stage: { parameters: ["u32", "u32", "u32"], result: "i32" },
  zc_producer_rollback: { parameters: ["u32"], result: "i32" },
  zc_producer_flush: { parameters: ["u32"], result: "i32" },
  zc_endpoint_try_receive: { parameters: ["u32", "buffer", "u32", "buffer"], result: "i32" },
  zc_endpoint_receive: { parameters: ["u32", "buffer", "u32", "buffer", "f64"], result: "i32" },
  zc_consumer_try_receive: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  zc_consumer_receive: { parameters: ["u32", "buffer", "u32", "f64"], result: "i32" },
  zc_consumer_type_id: { parameters: ["u32"], result: "u32" },
  zc_consumer_try_drain: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  zc_consumer_drain: { parameters: ["u32", "buffer", "u32", "f64"], result: "i32" },
  zc_consumer_release: { parameters: ["u32"], result: "i32" },
  zc_rpc_try_send: { parameters: ["u32", "buffer", "u32", "u32", "u32", "u32"], result: "i32" },
  zc_rpc_send: { parameters: ["u32", "buffer", "u32", "u32", "u32", "u32", "f64"], result: "i32" },
  zc_rpc_wait: { parameters: ["u32", "u32", "f64"], result: "i32" },
  zc_rpc_check: { parameters: ["u32"], result: "i32" },
  zc_rpc_peer_abilities: { parameters: ["u32"], result: "i32" },
  zc_thread_yield: { parameters: [], result: "void" },
  zc_thread_sleep: { parameters: ["u32"], result: "void" },
  zc_waiter_open: { parameters: [], result: "i32" },
  zc_waiter_close: { parameters: ["u32"], result: "i32" },
  zc_waiter_watch: { parameters: ["u32", "u32", "u32", "u32"], result: "i32" },
  zc_waiter_unwatch: { parameters: ["u32"], result: "i32" },
  zc_waiter_wait: { parameters: ["u32", "f64"], result: "i32" },
  zc_waiter_take: { parameters: ["u32", "buffer", "u32"], result: "i32" },
} as const;
