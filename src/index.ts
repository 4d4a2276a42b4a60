export type { Batch } from "./channel/batch.ts";
export { Consumer } from "./channel/consumer.ts";
export { FanIn, type FanInMessage } from "./channel/fan-in.ts";
export { Producer } from "./channel/producer.ts";
export type { Slot } from "./channel/slot.ts";
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
export { type CallOptions, RpcClient } from "./rpc/client.ts";
export { RpcResponder } from "./rpc/responder.ts";
export { type ServeOptions, type Server, serve } from "./rpc/server.ts";
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
