/** Clients and producers that are killed at random moments, all the time. */
import type { Runtime } from "../../tests/support/program.ts";
import { mortal } from "./loads.ts";
import { Worker } from "./processes.ts";

/** Visitors at once, and the milliseconds that each lives. */
const runtimes: readonly Runtime[] = ["bun", "deno"];
const life = { min: 100, max: 3000 };

/** Of the visitors, the part that is told to end with SIGTERM instead of SIGKILL. */
const terminated = 0.25;

export class Visitors {
  killed = 0;
  readonly #folder: string;
  readonly #random: () => number;
  readonly #onFailure: (message: string) => void;
  #isOpen = false;
  #running: Promise<void>[] = [];
  readonly #workers = new Set<Worker>();
  #wake = Promise.withResolvers<void>();

  constructor(folder: string, seed: number, onFailure: (message: string) => void) {
    this.#folder = folder;
    this.#random = randomNumbers(seed);
    this.#onFailure = onFailure;
  }

  start(): void {
    this.#isOpen = true;
    this.#wake = Promise.withResolvers();
    this.#running = runtimes.map((runtime) => this.#comeAndGo(runtime));
  }

  /** Resolves when the last is gone. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    this.#wake.resolve();
    await Promise.all(this.#running);
  }

  /** At once, for a process that is about to end itself. */
  kill(): void {
    for (const worker of this.#workers) worker.kill("SIGKILL");
  }

  async #comeAndGo(runtime: Runtime): Promise<void> {
    while (this.#isOpen) {
      const worker = new Worker(mortal(runtime), this.#folder, 0);
      this.#workers.add(worker);
      const milliseconds = life.min + this.#random() * (life.max - life.min);
      const timer = Promise.withResolvers<void>();
      const handle = setTimeout(timer.resolve, milliseconds);
      await Promise.race([timer.promise, worker.ended, this.#wake.promise]);
      clearTimeout(handle);
      worker.kill(this.#random() < terminated ? "SIGTERM" : "SIGKILL");
      const { code, signal, errors } = await worker.ended;
      this.#workers.delete(worker);
      this.killed += 1;
      if (signal === null) this.#onFailure(`${worker.name} ended with ${code}: ${errors}`);
    }
  }
}

/** Numbers from 0 up to 1 (xorshift). */
function randomNumbers(seed: number): () => number {
  let state = seed || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
