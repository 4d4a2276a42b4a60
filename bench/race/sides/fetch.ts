import { Answering, firstOfCalls } from "./calls.ts";
import type { Mechanism } from "./mechanism.ts";
import { Bytes, type OwnBytes } from "./payload.ts";
import { hostname, overSocket, serveHttp } from "./runtime.ts";

/** The body is the payload, and the reply's body is the same bytes. */
function fetching(family: "unix" | "tcp"): Mechanism {
  return {
    isBlocking: false,
    async first({ startProcess }) {
      const { address } = await startProcess();
      const isUnix = family === "unix";
      const url = isUnix ? "http://localhost/" : `http://${hostname}:${address}/`;
      const over = isUnix ? overSocket(address as string) : {};
      return firstOfCalls({
        payload: (size, options) => new Bytes(size, options),
        async call(body: OwnBytes) {
          const response = await fetch(url, { ...over, method: "POST", body } as RequestInit);
          return new Uint8Array(await response.arrayBuffer());
        },
      });
    },
    async second({ prefix, hello, fail }) {
      const answering = new Answering();
      const path = family === "unix" ? `${prefix}.sock` : undefined;
      const port = serveHttp(path, async (request) => {
        try {
          const bytes: OwnBytes = new Uint8Array(await request.arrayBuffer());
          return new Response(answering.take(bytes));
        } catch (error) {
          fail(error);
          return new Response(null, { status: 500 });
        }
      });
      await hello(path ?? port);
      return answering;
    },
  };
}

export const fetchUnix: Mechanism = fetching("unix");
export const fetchTcp: Mechanism = fetching("tcp");
