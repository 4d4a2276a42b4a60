export type { Batch } from "./batch.ts";
export { Consumer } from "./consumer.ts";
export {
  ClosedError,
  CorruptError,
  PeerClosedError,
  PeerDiedError,
  SystemError,
  UnauthorizedError,
  WireError,
  ZerocrossError,
} from "./errors.ts";
export { Producer } from "./producer.ts";
export type { Slot } from "./slot.ts";
export type {
  ConnectOptions,
  ConsumerStats,
  ListenOptions,
  Message,
  MessageView,
  Peer,
  ProducerStats,
  Waiting,
  WaitPolicy,
} from "./types.ts";
