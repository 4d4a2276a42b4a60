/** The processes of the soak, as main.ts sees them. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { environment } from "../../scripts/environment.mjs";
import { type End, Program, runtimePath } from "../../tests/support/program.ts";
import type { Place } from "./loads.ts";
import type { MemberArguments, MemberReport, StopWord } from "./member.ts";

/** Milliseconds after which a process is killed, whatever it does: longer than any soak. */
const lifeMax = 24 * 3600 * 1000;

/**
 * V8 gives its young objects up to 32 MiB, in steps that take minutes. What leaks would be lost
 * in that.
 */
const v8Flags = "--v8-flags=--expose-gc,--max-semi-space-size=4";
const denoFlags = ["run", "--no-lock", "--no-check", "--allow-all", v8Flags];

/** What a process holds. */
export interface Sample {
  readonly rssBytes: number;
  /** Sockets, memory, pidfds and the like. Of the files on disk none is the library's: those are left out. */
  readonly descriptors: number;
  /** Of channels that are open. */
  readonly mappings: number;
  /** What lives on its heap, where it was told. */
  readonly heapBytes?: number;
}

/** A process and what it has reported. */
export class Worker {
  readonly place: Place;
  readonly pid: number;
  readonly ended: Promise<End>;
  messages = 0;
  sent = 0;
  connections = 0;
  /** As it was told last. */
  heapBytes: number | undefined;
  hasEnded = false;
  readonly #program: Program;

  /** `onLatencies` is told of round trips, in microseconds. */
  constructor(
    place: Place,
    folder: string,
    seed: number,
    onLatencies?: (us: readonly number[]) => void,
  ) {
    this.place = place;
    this.#program = start(place, folder, seed);
    this.pid = this.#program.pid;
    this.ended = this.#program.ended;
    void this.ended.then(() => {
      this.hasEnded = true;
    });
    void this.#listen(onLatencies ?? (() => {}));
  }

  get name(): string {
    return `${this.place.load} ${this.place.role}`;
  }

  /** `undefined` when it has just ended. */
  sample(): Sample | undefined {
    const folder = `/proc/${this.pid}`;
    try {
      const [, kibibytes] =
        /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`${folder}/status`, "utf8")) ?? [];
      const maps = readFileSync(`${folder}/maps`, "utf8");
      return {
        rssBytes: Number(kibibytes) * 1024,
        descriptors: readdirSync(`${folder}/fd`).filter((fd) => !isFile(`${folder}/fd/${fd}`))
          .length,
        mappings: maps.split("/memfd:zerocross ").length - 1,
        ...(this.heapBytes !== undefined && { heapBytes: this.heapBytes }),
      };
    } catch {
      return undefined;
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#program.kill(signal);
  }

  async #listen(onLatencies: (us: readonly number[]) => void): Promise<void> {
    try {
      while (true) {
        const report = await this.#program.next<MemberReport>();
        this.messages += report.messages;
        this.sent += report.sent;
        this.connections += report.connections;
        this.heapBytes = report.heapBytes ?? this.heapBytes;
        onLatencies(report.latencies);
      }
    } catch {
      // It has ended; how is told by `ended`.
    }
  }
}

/** Whether a descriptor leads to a file on disk. */
function isFile(descriptor: string): boolean {
  try {
    return /^\/(?!memfd:)/.test(readlinkSync(descriptor));
  } catch {
    // It was closed in this moment.
    return true;
  }
}

/** In a group of its own: what is typed at the terminal is for main.ts alone, which ends all in order. */
function start(place: Place, folder: string, seed: number): Program {
  const { load, role, program, runtime, stopWord } = place;
  const file = fileURLToPath(new URL(`programs/${program}.ts`, import.meta.url));
  const flags = runtime === "deno" ? denoFlags : [];
  const args: MemberArguments = { load, role, folder, stopWord, seed };
  const child = spawn(runtimePath(runtime), [...flags, file, JSON.stringify(args)], {
    env: environment,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  return new Program(`${load} ${role}`, child, lifeMax);
}

export function say(folder: string, word: StopWord | "hold"): void {
  writeFileSync(join(folder, word), "");
}
