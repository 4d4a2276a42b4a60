import { calls, type EventEnd, messages, type Style } from "./events.ts";
import type { Mechanism, WorkerScope } from "./mechanism.ts";
import { Bytes, Text } from "./payload.ts";

// Nothing tells a sender of these to wait for the receiver, so the receiver says how far it is.
const messagesMax = 1000;
const bytesMax = 8 * 1024 * 1024;
const underWayMax = (size: number) =>
  Math.max(2, Math.min(messagesMax, Math.floor(bytesMax / size)));

interface Line<Value> {
  subscribe(take: (value: Value) => void): void;
  send(value: Value): void;
}

function over<Value>(
  { subscribe, send }: Line<Value>,
  payload: EventEnd<Value>["payload"],
  fail: (error: unknown) => void,
): EventEnd<Value> {
  let take = (_value: Value): void => {};
  subscribe((value) => take(value));
  return {
    fail,
    payload,
    underWayMax,
    listen(_, message) {
      take = message;
    },
    send(value) {
      send(value);
      return undefined;
    },
  };
}

const text: EventEnd<unknown>["payload"] = (size, options) => new Text(size, options);
const bytes: EventEnd<Uint8Array>["payload"] = (size, options) => new Bytes(size, options);

function processSending(style: Style): Mechanism {
  return {
    isBlocking: false,
    async first({ startProcess, fail }) {
      const { child } = await startProcess("fork");
      const line: Line<unknown> = {
        subscribe: (take) => child.on("message", take),
        send: (value) => child.send(value as string),
      };
      return style.first(over(line, text, fail));
    },
    async second({ hello, fail }) {
      const line: Line<unknown> = {
        subscribe: (take) => process.on("message", take),
        send: (value) => process.send?.(value),
      };
      const end = over(line, text, fail);
      await hello();
      return style.second(end);
    },
  };
}

function messagePosting(style: Style): Mechanism {
  const endOf = (scope: Worker | WorkerScope, fail: (error: unknown) => void) =>
    over<Uint8Array>(
      {
        subscribe(take) {
          scope.onmessage = ({ data }) => take(data);
        },
        send: (value) => scope.postMessage(value),
      },
      bytes,
      fail,
    );
  return {
    isBlocking: false,
    isInProcess: true,
    first: async ({ startWorker, fail }) => style.first(endOf(await startWorker(), fail)),
    async second({ hello, fail }) {
      const end = endOf(globalThis as unknown as WorkerScope, fail);
      await hello();
      return style.second(end);
    },
  };
}

export const processSend: Mechanism = processSending(messages);
export const processSendCalls: Mechanism = processSending(calls);
export const postMessage: Mechanism = messagePosting(messages);
export const postMessageCalls: Mechanism = messagePosting(calls);
