import { type LineProcess, type Runtime, startScript } from "../line-process.ts";
import type { Step } from "../race/progress.ts";
import type { ScenarioResult } from "../race/result.ts";

/** Whole programs, of which something else is asked than how fast two sides exchange messages. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** About how long all of it takes. */
  readonly seconds: number;
  readonly measure: (options: ScenarioOptions) => Promise<Omit<ScenarioResult, "name" | "title">>;
}

export interface ScenarioOptions {
  readonly step: Step;
  /** So much of what is usual, at least so much: 0.3 of 10 rounds are 3 rounds. */
  readonly share: (usual: number, least: number) => number;
}

/** The processes of a piece of work, which end with it. */
export class Processes implements AsyncDisposable {
  readonly #all: LineProcess[] = [];

  /** A script of this folder. */
  script(runtime: Runtime, file: string, ...args: (string | number)[]): LineProcess {
    return this.keep(startScript(runtime, `scenarios/${file}`, args.map(String)));
  }

  keep(process: LineProcess): LineProcess {
    this.#all.push(process);
    return process;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((each) => each.leave()));
  }
}

/** A sample of every way in turn, again and again. A first round does not count: nothing is compiled yet. */
export async function inRounds<Way, Sample>(
  ways: readonly Way[],
  rounds: number,
  step: Step,
  take: (way: Way, isCounted: boolean) => Promise<Sample>,
): Promise<Sample[][]> {
  const samples = ways.map((): Sample[] => []);
  for (let round = -1; round < rounds; round++) {
    step(round < 0 ? "warm-up" : `block ${round + 1} of ${rounds}`);
    for (const [index, way] of ways.entries()) {
      const sample = await take(way, round >= 0);
      if (round >= 0) samples[index]?.push(sample);
    }
  }
  return samples;
}
