import { Answering, firstOfCalls } from "./calls.ts";
import type { Mechanism } from "./mechanism.ts";
import type { OwnBytes } from "./payload.ts";

// What only one of the two runtimes has, typed for both.

type Handler = (request: Request) => Promise<Response>;

interface BunServe {
  serve(options: { unix?: string; hostname?: string; port?: number; fetch: Handler }): {
    readonly port?: number;
  };
}

interface DenoServe {
  serve(
    options: { path?: string; hostname?: string; port?: number; onListen(): void },
    handler: Handler,
  ): { readonly addr: { readonly port?: number } };
  createHttpClient(options: { proxy: { transport: "unix"; path: string } }): unknown;
}

const { Bun, Deno } = globalThis as unknown as { Bun?: BunServe; Deno?: DenoServe };
const hostname = "127.0.0.1";

/** Answers HTTP on a socket file, or else on a port of its own choice, which it returns. */
function serve(path: string | undefined, handler: Handler): number | undefined {
  const where = path === undefined ? { hostname, port: 0 } : undefined;
  if (Bun !== undefined) {
    return Bun.serve({ ...(where ?? { unix: path as string }), fetch: handler }).port;
  }
  return Deno?.serve({ ...(where ?? { path: path as string }), onListen() {} }, handler).addr.port;
}

/** What `fetch` wants to be given besides, to go over a socket file. */
function overSocket(path: string): object {
  if (Bun !== undefined) return { unix: path };
  return { client: Deno?.createHttpClient({ proxy: { transport: "unix", path } }) };
}

/** The body is the payload, and the reply's body is the same bytes. */
function fetching(family: "unix" | "tcp"): Mechanism {
  return {
    isBlocking: false,
    async first({ startProcess }) {
      const { address } = await startProcess();
      const isUnix = family === "unix";
      const url = isUnix ? "http://localhost/" : `http://${hostname}:${address}/`;
      const over = isUnix ? overSocket(address as string) : {};
      return firstOfCalls(async (body) => {
        const response = await fetch(url, { ...over, method: "POST", body } as RequestInit);
        return new Uint8Array(await response.arrayBuffer());
      });
    },
    async second({ prefix, hello, fail }) {
      const answering = new Answering();
      const path = family === "unix" ? `${prefix}.sock` : undefined;
      const port = serve(path, async (request) => {
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
