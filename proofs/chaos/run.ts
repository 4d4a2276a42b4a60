/** Many rounds, one after the other, with the victims of the next ones starting meanwhile. */
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { addedDescriptors, openDescriptors } from "../../tests/support/memory.ts";
import type { Program } from "../../tests/support/program.ts";
import { stormSignal } from "./order.ts";
import {
  type Action,
  actions,
  play,
  type Round,
  roundOf,
  startVictim,
  type Verdict,
} from "./pair.ts";

/** So many victims are started ahead of their rounds. */
const ahead = 3;

export interface Settings {
  readonly seed: number;
  /** How many rounds of each kind it has to come to. */
  readonly wanted: Readonly<Record<Action, number>>;
  readonly folder: string;
  /** Called after each round. */
  readonly onRound?: (figures: Figures) => void;
}

export interface Figures {
  rounds: number;
  readonly struck: Record<Action, number>;
  /** Per step and action, how often a victim was struck there. */
  readonly steps: Record<string, number>;
  /** Milliseconds. */
  readonly noticed: number[];
}

/** @throws {AssertionError} at the first round that is not as it should be, with all that repeats it. */
export async function runRounds(settings: Settings): Promise<Figures> {
  const { seed, folder, wanted } = settings;
  const struck = { kill: 0, stop: 0, storm: 0 };
  const figures: Figures = { rounds: 0, struck, steps: {}, noticed: [] };
  const weather = () => {};
  process.on(stormSignal, weather);
  let descriptors: string[] | undefined;
  for (const action of actions) {
    const started: { round: Round; victim: Program }[] = [];
    try {
      for (let index = 0; struck[action] < wanted[action]; index++) {
        while (started.length < ahead) {
          const round = roundOf(seed, index + started.length, action, folder);
          started.push({ round, victim: startVictim(round) });
        }
        const { round, victim } = started.shift() as (typeof started)[number];
        note(figures, round, await played(round, victim, seed, index));
        settings.onRound?.(figures);
        // The first rounds start what this process keeps: workers, and their wake-ups.
        if (figures.rounds === 10) descriptors ??= openDescriptors();
      }
    } finally {
      for (const { victim } of started) {
        victim.kill();
        await victim.ended;
      }
    }
  }
  process.off(stormSignal, weather);
  if (descriptors !== undefined) await assertClosed(descriptors);
  return figures;
}

async function played(
  round: Round,
  victim: Program,
  seed: number,
  index: number,
): Promise<Verdict> {
  try {
    return await play(round, victim);
  } catch (cause) {
    victim.kill();
    const what = JSON.stringify(round);
    throw new Error(`round ${index} of seed ${seed} went wrong: ${cause} in ${what}`, { cause });
  }
}

function note(figures: Figures, { order, action }: Round, verdict: Verdict): void {
  figures.rounds += 1;
  if (!verdict.struck) return;
  figures.struck[action] += 1;
  if (action === "storm") return;
  const step = `${action} at ${order.mark?.step ?? "a random moment"}`;
  figures.steps[step] = (figures.steps[step] ?? 0) + 1;
  if (verdict.noticed !== undefined) figures.noticed.push(verdict.noticed);
}

/** The runtime closes what led to its children in its own time. */
async function assertClosed(before: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (left(before).length === 0) return;
    await delay(10);
  }
  throw new Error(`descriptors are left: ${left(before).join(", ")}`);
}

/** Only what a channel or its rendezvous has open. */
function left(before: readonly string[]): string[] {
  return addedDescriptors(before).filter((target) => /zerocross|socket|pidfd/.test(target));
}
