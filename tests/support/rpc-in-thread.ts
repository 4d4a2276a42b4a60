/**
 * One end of the library's request and reply, and one of the test peer's, in one thread: a test takes
 * one step at a time and sees every byte of both arenas.
 */
import process from "node:process";
import { type ConnectOptions, RpcClient } from "../../src/index.ts";
import { Arena } from "../peer/arena.ts";
import { Deadline } from "../peer/deadline.ts";
import * as libc from "../peer/libc.ts";
import { acceptPeer, closeListener, connectTo, openListener } from "../peer/rendezvous.ts";
import { Callee, Caller, type RpcOptions } from "../peer/rpc.ts";
import { decodeHandshake, encodeHandshake, honestHandshake } from "../peer/wire.ts";

let names = 0;
/** A socket of the abstract namespace that nobody used yet. */
export const newRpcName = () => `@zerocross-rpc-${process.pid}-${names++}`;
export const soon = () => new Deadline(5000);

/** Lets the event loop turn until `isSo`. */
export async function until(isSo: () => boolean, what: string, timeoutMs = 5000): Promise<void> {
  const deadline = new Deadline(timeoutMs);
  while (!isSo()) {
    deadline.check(what);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** What `step` answers as soon as that is not `undefined`. */
export async function untilDefined<Value>(
  step: () => Value | undefined,
  what: string,
): Promise<Value> {
  let value = step();
  await until(() => {
    value ??= step();
    return value !== undefined;
  }, what);
  return value as Value;
}

interface Memory extends Disposable {
  readonly forward: Arena;
  readonly reverse: Arena;
}

/** A client of the library, and who answers it. Hold it with `using`. */
export interface ClientAndCallee extends Memory {
  readonly client: RpcClient;
  readonly callee: Callee;
}

export interface ArenaSizes {
  readonly forward?: number;
  readonly reverse?: number;
}

export function openClient(
  calleeOptions: RpcOptions = { ours: true },
  options: ConnectOptions = {},
  { forward: forwardSize = 4096, reverse: reverseSize = 4096 }: ArenaSizes = {},
): ClientAndCallee {
  const [forward, reverse] = [Arena.create(forwardSize), Arena.create(reverseSize)];
  // The callee stands in the arenas before the client can look at them.
  const callee = new Callee(forward, reverse, calleeOptions);
  const path = newRpcName();
  const listener = openListener(path);
  const handOver = () => {
    const socket = acceptPeer(listener, soon());
    const handshake = encodeHandshake(4, honestHandshake(4, forwardSize, reverseSize));
    libc.sendMessage(socket, handshake, [forward.fd, reverse.fd]);
    libc.close(socket);
    return true;
  };
  try {
    const given = { retry: false, timeout: 1000, ...options, authorize: handOver };
    const client = RpcClient.connectSync(path, given);
    const dispose = () => {
      client.close();
      forward.close();
      reverse.close();
    };
    return { client, callee, forward, reverse, [Symbol.dispose]: dispose };
  } finally {
    closeListener(listener, path);
  }
}

/** Who asks a server of this thread. Hold it with `using`. */
export interface ConnectedCaller extends Memory {
  readonly caller: Caller;
}

export async function connectCaller(
  path: string,
  options: RpcOptions = {},
): Promise<ConnectedCaller> {
  const socket = connectTo(path, soon());
  const receive = () => libc.unless([libc.errnos.EAGAIN], () => libc.receiveMessage(socket));
  const { bytes, fds } = await untilDefined(receive, "for the handshake");
  libc.close(socket);
  const { capacity, capacityRev } = decodeHandshake(bytes);
  const forward = Arena.map(fds[0] as number, capacity);
  const reverse = Arena.map(fds[1] as number, capacityRev);
  const caller = new Caller(forward, reverse, options);
  const dispose = () => {
    caller.close();
    forward.close();
    reverse.close();
  };
  return { caller, forward, reverse, [Symbol.dispose]: dispose };
}
