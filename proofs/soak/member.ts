/** What every process of the soak does beside its load: it counts, reports, and ends in time. */
import { existsSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { print, programArguments } from "../../tests/support/child.ts";

/** What main.ts tells each process that it starts. */
export interface MemberArguments {
  readonly load: string;
  /** Which of the load's processes it is. */
  readonly role: string;
  /** For the sockets, and the files by which all are told something. */
  readonly folder: string;
  /** The file that ends it. */
  readonly stopWord: StopWord;
  readonly seed: number;
}

/** Hosts are ended when all those are gone who connect to them. */
export type StopWord = "stop" | "stop-hosts";

/** The file whose presence keeps away what comes and goes. */
export const holdWord = "hold";

/** What was done since the report before. */
export interface MemberReport {
  /** Messages, requests and replies that were received and found to be right. */
  readonly messages: number;
  /** Messages that were sent, where the other side has to receive every one. */
  readonly sent: number;
  /** Channels that were opened, used and closed again. */
  readonly connections: number;
  /** Round trips, in microseconds. */
  readonly latencies: readonly number[];
  /** What lives on the runtime's heap: told while all is held, right after a collection of garbage. */
  readonly heapBytes?: number;
}

/** Milliseconds between two reports. */
const reportEvery = 500;

const parent = process.ppid;

/** Every wait of the soak has this limit: one that takes longer was not woken up. */
export const patience = { timeout: 20_000 };

export class Member {
  readonly load: string;
  readonly role: string;
  readonly seed: number;
  messages = 0;
  sent = 0;
  connections = 0;
  /** In milliseconds. */
  readonly latencies: number[] = [];

  readonly #folder: string;
  readonly #stopWord: StopWord;
  #reportedAt = performance.now();
  #isOver = false;

  constructor() {
    const { load, role, folder, stopWord, seed } = programArguments<MemberArguments>();
    this.load = load;
    this.role = role;
    this.seed = seed;
    this.#folder = folder;
    this.#stopWord = stopWord;
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /** To be asked in every turn of the load. Reports once in a while. False: the soak is over. */
  goesOn(): boolean {
    const now = performance.now();
    if (now - this.#reportedAt >= reportEvery) {
      // Whose parent died has another one.
      if (process.ppid !== parent) process.exit(1);
      this.#reportedAt = now;
      this.report();
      this.#isOver = existsSync(this.path(this.#stopWord));
    }
    return !this.#isOver;
  }

  /** Whether what comes and goes is to stay away for the moment. */
  isHeld(): boolean {
    return existsSync(this.path(holdWord));
  }

  /** For errors in callbacks: while a program of Bun awaits at its top, those would not end it. */
  fail(error: Error): never {
    writeSync(2, `${error.stack}\n`);
    process.exit(1);
  }

  /** Reports what was done; also to be called at the end. */
  report(): void {
    const { messages, sent, connections } = this;
    const latencies = this.latencies.map((milliseconds) => Math.round(milliseconds * 1000));
    const heap = this.isHeld() && { heapBytes: liveHeapBytes() };
    print({ messages, sent, connections, latencies, ...heap } satisfies MemberReport);
    this.messages = 0;
    this.sent = 0;
    this.connections = 0;
    this.latencies.length = 0;
  }
}

function liveHeapBytes(): number {
  const { Bun, gc } = globalThis as { Bun?: { gc(force: boolean): void }; gc?: () => void };
  Bun?.gc(true);
  gc?.();
  return process.memoryUsage().heapUsed;
}
