/** Everything that the commands of one sequence have opened, and what is expected of it. */
import assert from "node:assert/strict";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { inspect } from "node:util";
import type { Gathering } from "./fan-in-commands.ts";
import { isExplained, type Judgement, type Reasons } from "./judge.ts";
import type { Pair } from "./pair.ts";
import type { Rpc } from "./rpc-commands.ts";
import { make, type Surroundings, type Value } from "./values.ts";

export type Outcome<Result> =
  | { readonly isDone: true; readonly result: Result }
  | { readonly isDone: false; readonly error: unknown };

/** A promise that a call has returned, until what became of it was looked at. */
interface Pending {
  readonly name: string;
  readonly group: Group;
  outcome: Outcome<unknown> | undefined;
  onOutcome(outcome: Outcome<unknown>): void;
}

/** Whose promises are looked at first: what was sent must be known before what was received. */
const groups = ["sending", "receiving"] as const;
type Group = (typeof groups)[number];

/** How often each call was made. */
export type Tally = Map<string, number>;

/** Milliseconds in which every promise must settle once all is closed. */
const patience = 5000;

/** More than the promises that lie between an answer and who made the call. */
const ticksOfPromises = 20;

let names = 0;

export class World {
  readonly pairs: Pair[] = [];
  readonly rpcs: Rpc[] = [];
  gathering: Gathering | undefined;
  /** What commands have opened besides; disposed of in this order when the sequence is over. */
  readonly others: { close(): unknown }[] = [];
  readonly controllers: AbortController[] = [];
  readonly #tally: Tally;
  readonly #pending = new Set<Pending>();

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  newName(): string {
    return `@zerocross-api-fuzz-${process.pid}-${crypto.randomUUID().slice(0, 8)}-${names++}`;
  }

  pair(pick: number): Pair {
    return this.pairs[pick % this.pairs.length] as Pair;
  }

  make(value: Value | undefined, interfere: () => void = () => {}): unknown {
    const surroundings: Surroundings = {
      keptView: (pick) => this.#keptView(pick),
      interfere,
      liveSignal: () => {
        const controller = new AbortController();
        this.controllers.push(controller);
        return controller.signal;
      },
    };
    return value === undefined ? undefined : make(value, surroundings);
  }

  #keptView(pick: number): Uint8Array | undefined {
    const views = this.pairs.flatMap(({ views }) => views);
    return views[pick % views.length]?.bytes;
  }

  attempt<Result>(name: string, call: () => Result): Outcome<Result> {
    this.count(name);
    try {
      return { isDone: true, result: call() };
    } catch (error) {
      return { isDone: false, error };
    }
  }

  count(name: string): void {
    this.#tally.set(name, (this.#tally.get(name) ?? 0) + 1);
  }

  /** Makes a call whose promise is looked at when it has settled, and lets the event loop go round. */
  async start<Result>(
    name: string,
    group: Group,
    call: () => PromiseLike<Result>,
    onOutcome: (outcome: Outcome<Result>) => void,
  ): Promise<void> {
    this.count(name);
    const pending: Pending = { name, group, outcome: undefined, onOutcome: onOutcome as never };
    this.#pending.add(pending);
    call().then(
      (result) => (pending.outcome = { isDone: true, result }),
      (error) => (pending.outcome = { isDone: false, error }),
    );
    await this.turn();
  }

  /** One turn of the event loop, and all that it has settled. */
  async turn(): Promise<void> {
    await setImmediate();
    // Deno may answer a call in the very tasks among which this goes on: its promises come first.
    for (let i = 0; i < ticksOfPromises; i++) await undefined;
    this.settle();
  }

  /** Looks at what has settled; to be called before the next command, whatever was awaited. */
  settle(): void {
    for (const group of groups) {
      for (const pending of this.#pending) {
        const { outcome } = pending;
        if (pending.group !== group || outcome === undefined) continue;
        this.#pending.delete(pending);
        pending.onOutcome(outcome);
      }
    }
  }

  /** Closes everything. Whatever waited must be told so. */
  async finish(): Promise<void> {
    for (const pair of this.pairs) pair.drainAndClose();
    for (const other of this.others) await other.close();
    const deadline = performance.now() + patience;
    while (this.#pending.size > 0) {
      const names = [...this.#pending].map(({ name }) => name);
      assert.ok(performance.now() < deadline, `never settled: ${names.join(", ")}`);
      await this.turn();
    }
    for (const pair of this.pairs) pair.checkViews();
  }
}

/** Whether the call succeeded. Fails when it should not have, or for a reason that nothing explains. */
export function succeeded<Result>(
  outcome: Outcome<Result>,
  name: string,
  reasons: Reasons,
  mustThrow = false,
): outcome is Outcome<Result> & { isDone: true } {
  if (!outcome.isDone) {
    const { error } = outcome;
    if (isExplained(error, reasons)) return false;
    const stack = error instanceof Error ? error.stack : "";
    throw new Error(`${name}: nothing explains ${inspect(error)} (${inspect(reasons)})\n${stack}`);
  }
  assert.notEqual(reasons.args, "wrong" satisfies Judgement, `${name} took a wrong argument`);
  assert.ok(!mustThrow, `${name} succeeded when it could not (${inspect(reasons)})`);
  return true;
}
