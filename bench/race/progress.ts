import { showProgress } from "../progress.ts";
import type { Step } from "./blocks.ts";

export interface Stage {
  readonly name: string;
  /** About how long it takes. */
  readonly seconds: number;
}

/** Before that much was done the machine has not shown how fast it is. */
const trustedSeconds = 5;
const intervalMs = 100;

/** Says on the terminal what runs, and about how long is left. */
export class Progress {
  readonly #stages: readonly Stage[];
  readonly #start = performance.now();
  #doneSeconds = 0;
  #shown = 0;

  constructor(stages: readonly Stage[]) {
    this.#stages = stages;
  }

  /** Runs what belongs to a stage. */
  async run<Result>(name: string, work: (step: Step) => Promise<Result>): Promise<Result> {
    const seconds = this.#stages.find((stage) => stage.name === name)?.seconds ?? 0;
    this.#show(`${name}${this.#left(0)}`, true);
    const result = await work((done, what) => {
      this.#show(`${name}: ${what}${this.#left(done * seconds)}`, false);
    });
    this.#doneSeconds += seconds;
    return result;
  }

  get elapsedSeconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  /** As planned, whatever it turned out to be so far. */
  get secondsLeft(): number {
    return this.#stages.reduce((sum, { seconds }) => sum + seconds, 0) - this.#doneSeconds;
  }

  end(): void {
    showProgress("");
  }

  #left(ofStage: number): string {
    const done = this.#doneSeconds + ofStage;
    const pace = done > trustedSeconds ? this.elapsedSeconds / done : 1;
    const left = Math.max(0, this.secondsLeft - ofStage) * pace;
    const text = left < 60 ? `${Math.ceil(left)} s` : `${Math.ceil(left / 60)} min`;
    return `, about ${text} left`;
  }

  #show(text: string, always: boolean): void {
    const now = performance.now();
    if (!always && now - this.#shown < intervalMs) return;
    this.#shown = now;
    showProgress(text.slice(0, (process.stderr.columns ?? 80) - 1));
  }
}
