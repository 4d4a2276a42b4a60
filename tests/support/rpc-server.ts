/** What tests/programs/rpc-server.ts can be asked, and how it is started. */
import type { Peer } from "../../src/index.ts";
import { type Program, type ProgramOptions, startProgram } from "./program.ts";

export interface RpcServerArguments {
  readonly path: string;
  /** `connect` is `serveSync` to a client that listens. */
  readonly how: "serve" | "listen" | "connect";
  readonly capacity?: number;
  /** Microseconds; null never sleeps. */
  readonly spin?: number | null;
  /** Of the replies of `serveSync`. */
  readonly typeId?: number;
}

/** A request of any other type is answered with `answerTo`. */
export const asks = {
  /** With a `Description`. */
  describe: 1001,
  throwError: 1002,
  throwString: 1003,
  rejectLater: 1004,
  returnText: 1005,
  returnTooMuch: 1006,
  /** After as many milliseconds as the first two bytes say; `serve` only. */
  later: 1007,
  die: 1008,
  /** Never, or with the first `release` after it; `serve` only. */
  hold: 1009,
  release: 1010,
  /** With as many bytes as the request's first four say. */
  large: 1011,
  /** As usual, and the request is kept. */
  keep: 1012,
  /** With the checksum of all that was kept. */
  kept: 1013,
  close: 1014,
  throwNothing: 1015,
} as const;

export interface Description {
  readonly typeId: number;
  readonly size: number;
  readonly peer: Peer;
}

/** What it prints. */
export interface ServerReport {
  readonly ready?: true;
  readonly opened?: number;
  readonly closed?: number;
  /** Why it closed, or what `onError` heard. */
  readonly error?: { readonly name: string; readonly message: string };
  readonly ended?: true;
}

export function startServer(args: RpcServerArguments, options: ProgramOptions = {}): Program {
  return startProgram("rpc-server", args, options);
}

/** The next report that says this. */
export async function reportOf<Key extends keyof ServerReport>(
  program: Program,
  key: Key,
): Promise<ServerReport & Required<Pick<ServerReport, Key>>> {
  while (true) {
    const report = await program.next<ServerReport>();
    if (report[key] !== undefined) return report as never;
  }
}
