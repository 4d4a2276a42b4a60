export type { Batch } from "./batch.ts";
export { Consumer } from "./consumer.ts";
export {
  ClosedError,
  CorruptError,
  PeerClosedError,
  PeerDiedError,
  RpcError,
  SystemError,
  UnauthorizedError,
  WireError,
  ZerocrossError,
} from "./errors.ts";
export { FanIn, type FanInMessage } from "./fan-in.ts";
export { Producer } from "./producer.ts";
export { type CallOptions, RpcClient } from "./rpc-client.ts";
export { RpcResponder } from "./rpc-responder.ts";
export { type ServeOptions, type Server, serve } from "./serve.ts";
export type { Slot } from "./slot.ts";
export type {
  ConnectOptions,
  ConsumerStats,
  ListenOptions,
  Message,
  MessageView,
  Peer,
  ProducerStats,
  Request,
  Waiting,
  WaitPolicy,
} from "./types.ts";
