/** A round with one victim and this process: who they are, and whether what came of it is right. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Consumer, PeerClosedError, PeerDiedError, WireError } from "../../src/index.ts";
import { sizeAt } from "../../tests/peer/content.ts";
import { channelMappings } from "../../tests/support/memory.ts";
import { type Program, type Runtime, startProgram } from "../../tests/support/program.ts";
import { schedulerDelay } from "../../tests/support/scheduler.ts";
import { beforeTheChannel, closing, type Order, roles, stepsOf } from "./order.ts";
import { Striker } from "./striker.ts";
import { type Outcome, survive } from "./survivor.ts";

const noticedWithinMs = 100;
const nobodyComes = new Error("the victim is gone");

export const actions = ["kill", "stop", "storm"] as const;
export type Action = (typeof actions)[number];

export interface Round {
  readonly order: Order;
  readonly runtime: Runtime;
  readonly action: Action;
  /** Milliseconds after which the signal comes from outside, where no step is armed. */
  readonly delay: number;
  readonly style: number;
}

export interface Verdict {
  /** What was planned came to pass, and not the victim's end before it. */
  readonly struck: boolean;
  /** From right before a signal from outside to the error, in milliseconds. */
  readonly noticed?: number;
}

/** Everything of a round from its number alone. */
export function roundOf(seed: number, index: number, action: Action, folder: string): Round {
  const pick = (what: number, count: number) => sizeAt(seed + what * 7919, index, 0, count - 1);
  const role = roles[pick(1, roles.length)] as Order["role"];
  const async = pick(2, 2) === 1;
  // `serve` always listens.
  const listens = (role === "responder" && async) || pick(3, 2) === 1;
  const steps = stepsOf({ role, listens, async });
  const step = steps[pick(4, steps.length)] as string;
  const isEarly = beforeTheChannel.has(step) || closing.includes(step);
  const pass = isEarly ? 1 : 1 + pick(5, 12);
  const count = 30 + pick(6, 60);
  const order: Order = {
    role,
    listens,
    async,
    path: join(folder, `socket-${action}-${index}`),
    seed: seed + index,
    count,
    progressFile: join(folder, `progress-${action}-${index}`),
    // Every third one is struck from outside.
    ...(action !== "storm" && pick(7, 3) > 0 && { mark: { step, pass, action } }),
  };
  return {
    order,
    runtime: pick(8, 2) === 0 ? "bun" : "deno",
    action,
    delay: 5 + pick(9, 40),
    style: pick(10, 60),
  };
}

/** Starts a round's victim, which waits to be told to begin. */
export function startVictim({ order, runtime }: Pick<Round, "order" | "runtime">): Program {
  writeFileSync(order.progressFile, new Uint8Array(4));
  return startProgram("../../proofs/chaos/victim", order, { runtime, timeoutMs: 30_000 });
}

/** What the victim has written down before its end. */
export function progressOf({ progressFile }: Order): number {
  return readFileSync(progressFile).readUInt32LE();
}

export async function play(round: Round, victim: Program): Promise<Verdict> {
  const { order } = round;
  assert.equal(await victim.next(), "ready");
  const delayed = schedulerDelay();
  const striker = strikerFor(round, victim.pid);
  victim.tell();
  const outcome = await survive(order, round.style, sometimeAfter(victim.ended));
  const { signal, code, errors } = await victim.ended;
  const struckAt = await striker?.end();
  const wasKilled = signal === "SIGKILL";
  assert.ok(wasKilled ? round.action === "kill" : code === 0, `the victim failed: ${errors}`);
  judge(order, outcome, wasKilled);
  await assertNothingLeft(order);
  const struck = wasKilled || round.action !== "kill";
  if (struckAt === undefined || !(outcome.error instanceof PeerDiedError)) return { struck };
  const noticed = outcome.heardAt - struckAt;
  const late = noticed - (schedulerDelay() - delayed);
  assert.ok(late < noticedWithinMs, `heard of the death after ${noticed} ms`);
  return { struck, noticed };
}

/** Who has been handed the channel by then may open it. */
function sometimeAfter(ended: Promise<unknown>): AbortSignal {
  const controller = new AbortController();
  void ended.then(() => setTimeout(() => controller.abort(nobodyComes), 300));
  return controller.signal;
}

function strikerFor({ order, action, delay }: Round, pid: number): Striker | undefined {
  if (action === "storm") return Striker.storm(pid, process.pid);
  if (order.mark) return action === "stop" ? Striker.wake(pid, 120) : undefined;
  return action === "kill" ? Striker.kill(pid, delay) : Striker.stop(pid, delay, 2 * delay);
}

/** What was published was delivered, and the end is the one that it was. */
function judge(order: Order, outcome: Outcome, wasKilled: boolean): void {
  const { received, error, met } = outcome;
  const progress = progressOf(order);
  const sends = order.role === "producer" || order.role === "caller";
  if (sends) assert.ok(received >= progress, `${received} of ${progress} published were delivered`);
  const isComplete = (order.role === "consumer" ? progress : received) >= order.count;
  if (error === undefined || error instanceof PeerClosedError) {
    assert.ok(isComplete, `it closed after ${received} messages, ${progress} in progress`);
    return;
  }
  if (!wasKilled) throw error;
  if (met) {
    assert.ok(error instanceof PeerDiedError, `not the error of a death: ${error}`);
    return;
  }
  // Nobody came, or the other side left in the middle of the handshake.
  assert.ok(
    error === nobodyComes || error instanceof WireError,
    `not the error of a rendezvous: ${error}`,
  );
}

async function assertNothingLeft({ path, listens }: Order): Promise<void> {
  assert.deepEqual(channelMappings(), []);
  if (!listens) assert.ok(!existsSync(path), `${path} is left`);
  // A killed listener leaves its file, which keeps nobody from listening there.
  if (existsSync(path)) {
    await assert.rejects(Consumer.listen(path, { timeout: 1 }), { name: "TimeoutError" });
    assert.ok(!existsSync(path), `${path} is left by the next listener`);
  }
}
