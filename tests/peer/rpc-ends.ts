/** Both ends of RPC in one thread, so that a test takes one step at a time and sees every byte. */
import { Arena } from "./arena.ts";
import { Callee, Caller, type RpcOptions } from "./rpc.ts";

export interface Ends {
  forward: Arena;
  reverse: Arena;
  caller: Caller;
  callee: Callee;
}

export const family: RpcOptions = {};
export const ours: RpcOptions = { ours: true };

/** The rings differ in size, so that no mistake of one passes for the other. */
export function withEnds(
  callerOptions: RpcOptions,
  calleeOptions: RpcOptions,
  body: (ends: Ends) => void,
): void {
  const [forward, reverse] = [Arena.create(4096), Arena.create(8192)];
  const caller = new Caller(forward, reverse, callerOptions);
  const callee = new Callee(forward, reverse, calleeOptions);
  try {
    body({ forward, reverse, caller, callee });
  } finally {
    forward.close();
    reverse.close();
  }
}

/** Takes every request that is there; their ids. */
export function takeAll(callee: Callee): bigint[] {
  const ids: bigint[] = [];
  for (let next = callee.tryRequest(); next; next = callee.tryRequest()) {
    ids.push(next.correlationId);
  }
  return ids;
}

/** Takes every reply that is there; their ids. */
export function readAll(caller: Caller): bigint[] {
  const ids: bigint[] = [];
  for (let next = caller.tryReply(); next; next = caller.tryReply()) ids.push(next.correlationId);
  return ids;
}
