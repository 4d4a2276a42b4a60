import type { Runtime } from "../../line-process.ts";

/** What one of the two runtimes has alone, typed for both. */
type Handler = (request: Request) => Promise<Response>;

interface BunServe {
  serve(options: {
    unix?: string;
    hostname?: string;
    port?: number;
    idleTimeout: number;
    fetch: Handler;
  }): { readonly port?: number };
}

interface DenoServe {
  serve(
    options: { path?: string; hostname?: string; port?: number; onListen(): void },
    handler: Handler,
  ): { readonly addr: { readonly port?: number } };
  createHttpClient(options: { proxy: { transport: "unix"; path: string } }): unknown;
}

const { Bun, Deno } = globalThis as unknown as { Bun?: BunServe; Deno?: DenoServe };
export const hostname = "127.0.0.1";

/** Answers HTTP on a socket file, or else on a port of its own choice, which it returns. */
export function serveHttp(path: string | undefined, handler: Handler): number | undefined {
  const where = path === undefined ? { hostname, port: 0 } : undefined;
  if (Bun !== undefined) {
    // A client whose turn comes later would find that its connection was closed meanwhile.
    const never = { idleTimeout: 0 };
    return Bun.serve({ ...(where ?? { unix: path as string }), ...never, fetch: handler }).port;
  }
  return Deno?.serve({ ...(where ?? { path: path as string }), onListen() {} }, handler).addr.port;
}

/** What `fetch` wants to be given besides, to go over a socket file. */
export function overSocket(path: string): object {
  if (Bun !== undefined) return { unix: path };
  return { client: Deno?.createHttpClient({ proxy: { transport: "unix", path } }) };
}

const here: Runtime = Bun === undefined ? "deno" : "bun";

/** The program and the arguments that run a script, in this runtime where none is named. */
export function commandOf(script: string, runtime = here): [program: string, ...args: string[]] {
  const program = runtime === here ? process.execPath : runtime;
  return runtime === "bun"
    ? [program, script]
    : [program, "run", "-A", "--no-check", "--no-lock", script];
}

export function runtimeVersion(): string {
  const { bun, deno } = process.versions;
  return bun === undefined ? `Deno ${deno}` : `Bun ${bun}`;
}
