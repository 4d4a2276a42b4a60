/** What a victim is told to do, and what it then does on its way to its end. */

/** Each in two forms: the calls that wait on their thread, and those that do not. */
export const roles = ["producer", "consumer", "caller", "responder"] as const;
export type Role = (typeof roles)[number];

export interface Order {
  /** The victim's. */
  readonly role: Role;
  readonly listens: boolean;
  readonly async: boolean;
  readonly path: string;
  readonly seed: number;
  /** Messages or calls after which it closes, if it comes to that. */
  readonly count: number;
  /** Holds, in its first four bytes, how much of what it sends was published. */
  readonly progressFile: string;
  /** It kills or stops itself there. */
  readonly mark?: Mark;
}

export interface Mark {
  readonly step: string;
  readonly pass: number;
  readonly action: "kill" | "stop";
}

/** What the storms are made of. Whoever is in one handles it, so that it interrupts what it meets. */
export const stormSignal = "SIGUSR2";

export const sizeMax = 700;
export const capacity = 8192;
export const callsInFlight = 6;
/** The type of messages that were sent many at a time; any other has its index as its type. */
export const manyType = 0xabcd;

const rendezvous = ["memory_mapped", "channel_opened", "connection_closed"];
const listening = [
  "socket_bound",
  "listening",
  "connector_accepted",
  "memory_created",
  "memory_sealed",
  "memory_initialised",
  "handshake_sent",
  "handshake_taken",
  "path_unlinked",
];
const connecting = ["connected", "handshake_received"];
const sending = [
  "writer_opened",
  "claim_opened",
  "skip_written",
  "payload_written",
  "header_written",
  "lane_opened",
  "lane_written",
  "published",
];
const receiving = ["reader_opened", "nothing_found", "message_copied", "released"];
const sleeping = ["sleep_announced", "sleep_looked", "sleep_ended"];
const waiting = [
  "watch_armed",
  "watches_announced",
  "watch_reported",
  "waiter_asleep",
  "waiter_up",
];
const waking = ["sleeper_seen", "wake_taken_back", "sleeper_woken"];
export const closing = ["close_stored", "consumer_told", "both_told"];
const halfClosing = ["arena_half_closed"];

/** The steps that such a victim passes; see zig/os/mark.zig. */
export function stepsOf({
  role,
  listens,
  async,
}: Pick<Order, "role" | "listens" | "async">): string[] {
  const steps = [...rendezvous, ...(listens ? listening : connecting), ...waking, ...closing];
  if (role !== "consumer") steps.push(...sending);
  if (role !== "producer") steps.push(...receiving);
  if (role === "producer") steps.push("claim_rolled_back", "entries_written", "record_staged");
  if (role === "producer" || role === "caller") steps.push("rest_published");
  if (role === "consumer") steps.push("messages_drained");
  if (role === "caller") steps.push("call_sent", "reply_received", ...halfClosing);
  if (role === "responder") steps.push("call_received", "reply_sent");
  return [...steps, ...(async ? waiting : sleeping)];
}

/** Those that a victim passes before the other side can know of it. */
export const beforeTheChannel = new Set([
  ...listening.filter((step) => step !== "handshake_taken" && step !== "path_unlinked"),
  ...connecting,
  "memory_mapped",
  "reader_opened",
  "writer_opened",
  "watch_armed",
  "watches_announced",
  "watch_reported",
  "waiter_asleep",
  "waiter_up",
  "channel_opened",
  "connection_closed",
  "handshake_taken",
  "path_unlinked",
]);
