/** What the peer's command line says, and what every command does with it. */
import { writeSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { messageAt, sizeAt } from "./content.ts";
import { Deadline } from "./deadline.ts";
import { sleep } from "./libc.ts";
import type { Report } from "./start.ts";
import { states, type Wire } from "./wire.ts";

export const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    path: { type: "string" },
    /** Own the memory, or take it from who listens; connecting is the default. */
    listen: { type: "boolean", default: false },
    connect: { type: "boolean", default: false },
    /** For a listener. */
    wire: { type: "string", default: "4" },
    capacity: { type: "string", default: "65536" },
    start: { type: "string", default: "0" },
    /** Messages: how many (a consumer without it takes all), how large (N or MIN-MAX), what in them. */
    count: { type: "string" },
    size: { type: "string", default: "32" },
    seed: { type: "string", default: "1" },
    type: { type: "string", default: "1" },
    /** The additions to the wire; without these the peer is one of the family. */
    lane: { type: "boolean", default: false },
    packed: { type: "boolean", default: false },
    park: { type: "boolean", default: false },
    spin: { type: "boolean", default: false },
    every: { type: "string", default: "1" },
    /** close, die (SIGKILL by its own hand), or stay until the other side ends or kills it. */
    end: { type: "string", default: "close" },
    /** RPC: the reverse ring of a listener, and the additions to RPC. */
    "capacity-rev": { type: "string" },
    ours: { type: "boolean", default: false },
    /** For `call`: how many requests are sent before their replies have come. */
    inflight: { type: "string", default: "1" },
    /**
     * For `answer`: up to how many requests it takes before it answers them, the last one first;
     * how long it works on each; and that each call fails whose id is a multiple of this.
     */
    backlog: { type: "string", default: "1" },
    delay: { type: "string", default: "0" },
    "fail-every": { type: "string" },
    /** How many requests, the last ones of --count or those after it, are not waited for or answered. */
    left: { type: "string", default: "0" },
    /** For `lie`; `--as caller` and `--as callee` are the liars in RPC. */
    as: { type: "string" },
    what: { type: "string" },
    good: { type: "string", default: "3" },
    timeout: { type: "string", default: "10000" },
  },
});

export const deadline = new Deadline(Number(options.timeout));
export const seed = Number(options.seed);
export const typeId = Number(options.type);
export const wire = Number(options.wire) as Wire;
export const capacity = Number(options.capacity);
const [sizeMin = 0, sizeMax = sizeMin] = options.size.split("-").map(Number);

export function path(): string {
  if (options.path === undefined) throw new Error("--path is missing");
  return options.path;
}

/** The content of a message or a request. */
export function messageNumber(index: number): Uint8Array {
  return messageAt(seed, index, sizeAt(seed, index, sizeMin, sizeMax));
}

export function print(report: Report): void {
  writeSync(1, `${JSON.stringify(report)}\n`);
}

/** An end of a channel or of RPC. */
interface End {
  readonly state: number;
  close(): void;
}

/** Ends as `--end` says. The report is out by then, since a process that dies prints nothing. */
export function finish(end: End, report: Report): void {
  print({ ...report, state: end.state });
  if (options.end === "die") process.kill(process.pid, "SIGKILL");
  if (options.end === "stay") stay(end);
  end.close();
}

/** Waits until the other side ends or finds a fault. */
export function stay(end: End): void {
  while (end.state < states.disconnected && deadline.remainingMs > 0) sleep(1);
}
