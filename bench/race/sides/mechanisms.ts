import type { Mechanism } from "./mechanism.ts";

const rings = () => import("./rings.ts");
const rpc = () => import("./rpc.ts");
const net = () => import("./net.ts");
const fetching = () => import("./fetch.ts");
const values = () => import("./values.ts");

/** Loaded by name, so that each process has the code of its own mechanism alone. */
export const mechanisms: Readonly<Record<string, () => Promise<Mechanism>>> = {
  "zerocross-try": async () => (await rings()).tryRing,
  "zerocross-sync": async () => (await rings()).syncRing,
  "zerocross-spin": async () => (await rings()).spinRing,
  "zerocross-spin-to-deno": async () => (await rings()).spinRingToDeno,
  "zerocross-batch": async () => (await import("./ring-batch.ts")).batches,
  "zerocross-async": async () => (await import("./awaited.ts")).awaitedRing,
  "zerocross-rpc": async () => (await rpc()).rpc,
  "zerocross-rpc-one": async () => (await rpc()).rpcOne,
  "zerocross-rpc-sync": async () => (await rpc()).rpcSync,
  "net-unix": async () => (await net()).netUnix,
  "net-tcp": async () => (await net()).netTcp,
  "net-unix-json": async () => (await net()).netUnixJson,
  "net-tcp-json": async () => (await net()).netTcpJson,
  "net-unix-calls": async () => (await net()).netUnixCalls,
  "net-unix-one": async () => (await net()).netUnixOne,
  "net-unix-gathered": async () => (await net()).netUnixGathered,
  "fetch-unix": async () => (await fetching()).fetchUnix,
  "fetch-tcp": async () => (await fetching()).fetchTcp,
  "process-send": async () => (await values()).processSend,
  "process-send-calls": async () => (await values()).processSendCalls,
  stdio: async () => (await import("./stdio.ts")).stdio,
  "post-message": async () => (await values()).postMessage,
  "post-message-calls": async () => (await values()).postMessageCalls,
  atomics: async () => (await import("./atomics.ts")).atomics,
  zeromq: async () => (await import("./zeromq.ts")).zeromq,
};
