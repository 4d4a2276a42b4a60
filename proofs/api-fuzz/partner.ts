/** A thread that answers one client after the other with `RpcResponder.serveSync`. */
import { RpcResponder } from "../../src/index.ts";
import { answer } from "./answers.ts";

export interface PartnerOrder {
  readonly how: "listenSync" | "connectSync";
  readonly path: string;
}

/** It takes orders: at the start, and after each. */
export interface PartnerReport {
  readonly problem?: string;
}

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<PartnerOrder>) => self.postMessage(carryOut(data));
self.postMessage({} satisfies PartnerReport);

function carryOut({ how, path }: PartnerOrder): PartnerReport {
  try {
    using responder = RpcResponder[how](path, { timeout: 60_000 });
    responder.serveSync((request) => {
      const result: unknown = answer(request);
      // Here a promise is a wrong answer, and nobody waits for what it rejects with.
      if (result instanceof Promise) result.catch(() => {});
      return result as Uint8Array;
    });
    return {};
  } catch (error) {
    return { problem: String(error) };
  }
}
