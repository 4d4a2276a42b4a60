// What only one of the two runtimes has, typed for both.

type Handler = (request: Request) => Promise<Response> | Response;

interface BunServe {
  serve(options: { unix?: string; hostname?: string; port?: number; fetch: Handler }): {
    readonly port?: number;
  };
}

interface DenoServe {
  serve(options: { path: string; onListen(): void }, handler: Handler): unknown;
  createHttpClient(options: { proxy: { transport: "unix"; path: string } }): unknown;
}

const { Bun, Deno } = globalThis as unknown as { Bun?: BunServe; Deno?: DenoServe };

/** Answers HTTP on a socket file. */
export function serveHttp(path: string, handler: Handler): void {
  if (Bun !== undefined) Bun.serve({ unix: path, fetch: handler });
  else Deno?.serve({ path, onListen() {} }, handler);
}

/** Answers HTTP on a port of its own choice, in Bun. */
export function serveHttpOnPort(handler: Handler): number {
  return Bun?.serve({ hostname: "127.0.0.1", port: 0, fetch: handler }).port ?? 0;
}

/** What `fetch` wants to be given besides, to go over a socket file. */
export function overSocket(path: string): RequestInit {
  if (Bun !== undefined) return { unix: path } as RequestInit;
  return { client: Deno?.createHttpClient({ proxy: { transport: "unix", path } }) } as RequestInit;
}
