/** What the fan-in's many producers send, and whether it all arrives. */
import { MismatchError } from "./content.ts";

/** Bits of a message's type. */
export const feedTypes = {
  /** Of a connection: the producer closes behind it. */
  last: 1,
  /** From a process that nobody kills, so that every last message must arrive. */
  steady: 2,
} as const;

const messagesMax = 1000;

/** The number of message `n` of a process's connection. */
export function feedNumber(connection: number, n: number): number {
  return connection * messagesMax + n;
}

/** Connections of killed processes that are remembered; there are never so many at once. */
const openMax = 256;

export class Feeds {
  /** By process and connection: the message that comes next. */
  readonly #open = new Map<string, number>();
  /** By process: its connections that ended, and the greatest of their numbers. */
  readonly #steady = new Map<number, { ended: number; greatest: number }>();

  /** Throws unless message `number` is the next of its connection. */
  take(pid: number, number: number, type: number): void {
    const connection = Math.floor(number / messagesMax);
    const n = number % messagesMax;
    const key = `${pid}:${connection}`;
    const next = n === 0 ? 0 : (this.#open.get(key) ?? 0);
    if (n !== next) throw new MismatchError(number, `the message of process ${pid}`, next, n);
    if ((type & feedTypes.last) === 0) this.#open.set(key, n + 1);
    else this.#end(key, pid, connection, (type & feedTypes.steady) !== 0);
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size > openMax) this.#open.delete(oldest);
  }

  /** Throws unless every connection ended of every process that nobody kills. */
  checkEnds(): void {
    for (const [pid, { ended, greatest }] of this.#steady) {
      if (ended === greatest + 1) continue;
      throw new MismatchError(greatest, `ends of process ${pid}`, greatest + 1, ended);
    }
  }

  #end(key: string, pid: number, connection: number, isSteady: boolean): void {
    this.#open.delete(key);
    if (!isSteady) return;
    const { ended, greatest } = this.#steady.get(pid) ?? { ended: 0, greatest: 0 };
    const now = { ended: ended + 1, greatest: Math.max(greatest, connection) };
    this.#steady.set(pid, now);
  }
}
