import { types } from "node:util";
import { numbers } from "../../ffi/table.ts";
import type { RpcEnd } from "./end.ts";

export interface Reply {
  readonly bytes: Uint8Array;
  readonly typeId: number;
}

/**
 * The reply to a request whose handler threw: the error's text for a caller that can tell it from an
 * answer, and no bytes at all for one that cannot.
 */
export function failureReply(error: unknown, end: RpcEnd): Reply {
  const bytes = end.peerTakesFailures
    ? encode(messageOf(error), end.channel.maxMessageSize)
    : new Uint8Array();
  return { bytes, typeId: numbers.typeFailure };
}

/** The text of what a handler threw, which may be anything. */
export function messageOf(error: unknown): string {
  try {
    return String(isError(error) ? error.message : error);
  } catch {
    return "the handler threw something that has no text";
  }
}

/** Also one of another realm, such as node:vm and some test runners make. */
export function isError(error: unknown): error is Error {
  return error instanceof Error || types.isNativeError(error);
}

/** As much of `text` as fits. */
function encode(text: string, sizeMax: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(3 * text.length, sizeMax));
  const { written } = new TextEncoder().encodeInto(text, bytes);
  return bytes.subarray(0, written);
}

/** What a handler returned, if it can be sent. */
export function checkReply(reply: unknown, end: RpcEnd): Uint8Array {
  end.check(reply as Uint8Array, "reply");
  return reply as Uint8Array;
}
