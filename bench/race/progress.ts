/** Told how much of a stage is done, 0 to 1, and of whom it is the turn. */
export type Step = (done: number, what: string) => void;

export interface Stage {
  readonly name: string;
  /** About how long it takes. */
  readonly seconds: number;
}

const intervalMs = 100;

/** Says on the terminal what runs, where somebody is watching, and about how long is left. */
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
    const result = await work((done, what) => {
      const now = performance.now();
      if (now - this.#shown < intervalMs) return;
      this.#shown = now;
      const left = Math.ceil(Math.max(0, this.secondsLeft - done * seconds));
      show(`${name}: ${what}, about ${left} s left`);
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
    show("");
  }
}

/** One line that changes. */
function show(text: string): void {
  const room = (process.stderr.columns ?? 80) - 1;
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text.slice(0, room)}`);
}
