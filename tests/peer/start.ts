/** Starts the peer as a process of its own, under either runtime. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { environment } from "../../scripts/environment.mjs";

export type Runtime = "bun" | "deno";

export const thisRuntime: Runtime = process.versions.bun === undefined ? "deno" : "bun";

/** What the peer prints as it ends; which fields there are, its command decides. */
export interface Report {
  /** Messages sent or received; of RPC, replies received or sent. */
  readonly count?: number;
  readonly bytes?: number;
  readonly checksum?: number;
  /** Replies that said that the call failed, and the text of the first of them. */
  readonly failures?: number;
  readonly failure?: string;
  /** Replies that came before one to an earlier request. */
  readonly overtaking?: number;
  /** The correlation id of the last request sent or taken. */
  readonly lastId?: number;
  /** How many of them went through the lane, and how many in packed records. */
  readonly lane?: number;
  readonly packed?: number;
  /** Whether the other side closed before this one did. */
  readonly closed?: boolean;
  /** What the arena's state was at the end; of RPC, the later one of the two. */
  readonly state?: number;
  /** The pid that the kernel names for the other side; it is absent where the handshake lied. */
  readonly peer?: number;
}

export interface PeerProcess {
  readonly pid: number;
  /** Its one line of JSON, once it has ended; rejects when it failed, with what it said. */
  readonly report: Promise<Report>;
  kill(signal?: NodeJS.Signals): void;
}

/** The program of a runtime itself, since killing a wrapper leaves alone what it wraps. */
function programOf(runtime: Runtime): string {
  if (runtime === thisRuntime) return process.execPath;
  const candidates = environment.PATH.split(delimiter).map((folder) => join(folder, runtime));
  const found = candidates.find(existsSync);
  if (found === undefined) throw new Error(`there is no ${runtime} on the PATH`);
  return found;
}

export function startPeer(
  args: readonly (string | number | bigint)[],
  runtime: Runtime = thisRuntime,
  timeoutMs = 30_000,
): PeerProcess {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const prefix = runtime === "deno" ? ["run", "-A", "--no-lock", main] : [main];
  const child = spawn(programOf(runtime), [...prefix, ...args.map(String)], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  // The peer bounds its own time; this is for one that does not even come to that.
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const report = new Promise<Report>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      // A peer that was told to die prints first and is then killed by its own hand.
      const line = output.trim();
      if (line !== "") resolve(JSON.parse(line) as Report);
      else reject(new Error(`the peer ${args.join(" ")} ended with ${code ?? signal}: ${errors}`));
    });
  });
  // A test that fails for another reason may never look at the report.
  report.catch(() => {});
  return { pid: child.pid ?? 0, report, kill: (signal = "SIGKILL") => void child.kill(signal) };
}
