import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/environment.mjs";
import { LineProcess, newPath, startScript } from "../line-process.ts";
import type { Contender } from "./contender.ts";
import { isFloor } from "./mechanisms.ts";
import type { Row } from "./result.ts";

/** The core of each side; undefined where there is only one, and nothing is pinned. */
export type Cores = readonly [number, number] | undefined;

export type Command =
  | "verify"
  | "verify-one-way"
  | "round-trip"
  | "after-silence"
  | "one-way"
  | "handover";

/** What a contestant says before it takes commands. */
interface Ready {
  readonly ready: true;
  /** Every process whose system calls count. */
  readonly pids: readonly number[];
  readonly pinned: boolean | string;
  readonly clock: string;
  /** What a reading of the clock costs. */
  readonly clockNs: number;
  readonly maxSize: number | null;
}

type Greeting = Ready | { readonly forbidden: string } | { readonly error: string };

/** Of both sides together, over the timed part of a block. */
export interface Block {
  readonly elapsedNs: number;
  readonly cpuNs: number;
  readonly voluntary: number;
  readonly involuntary: number;
  /** Of each round trip, in nanoseconds. */
  readonly samples: Uint32Array;
}

export const native = join(root, "zig-out/bin/mechanisms");

const bytesPerSample = 4;

/** A mechanism in one runner, and what was found of it so far. */
export class Contestant {
  readonly contender: Contender;
  /** What the phases of the race have measured. */
  readonly results: { -readonly [Name in keyof Row]?: Row[Name] } = {};
  ready: Ready | undefined;
  #forbidden: string | undefined;
  #failed: string | undefined;
  #process: LineProcess | undefined;
  #samples = -1;
  #samplesEnd = 0;

  constructor(contender: Contender) {
    this.contender = contender;
  }

  get id(): string {
    return this.contender.mechanism.id;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  get row(): Row {
    const { mechanism } = this.contender;
    if (this.#failed !== undefined) return { ...mechanism, failed: this.#failed };
    if (this.#forbidden !== undefined) return { ...mechanism, forbidden: this.#forbidden };
    return { ...mechanism, ...this.results };
  }

  async start(cores: Cores): Promise<void> {
    if (cores === undefined && this.contender.mechanism.waiting === "spins") {
      this.#forbidden = "both sides spin, and this machine has one core for them: it needs two";
      return;
    }
    await this.attempt(async () => {
      const samples = newPath();
      this.#samples = openSync(samples, "w+");
      this.#process = this.#launch(cores, samples);
      const answer = JSON.parse(await this.#process.hear()) as Greeting;
      if ("error" in answer) throw new Error(answer.error);
      if ("ready" in answer) {
        this.ready = answer;
      } else {
        this.#forbidden = answer.forbidden;
        await this.leave();
      }
    });
  }

  /** Does something with it; it is out of the race if that fails. */
  async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failed = error instanceof Error ? error.message : String(error);
      await this.leave();
    }
  }

  /** Undefined: it takes messages of that size. Otherwise why not. */
  refusal(size: number): string | undefined {
    const { mechanism, forms } = this.contender;
    if (size < forms.minSize) {
      return `${mechanism.name} is for whole pages: ${forms.minSize} bytes and more`;
    }
    const max = this.ready?.maxSize ?? Number.POSITIVE_INFINITY;
    return size > max ? `${mechanism.name} takes ${max} bytes at most` : undefined;
  }

  /** What the floor is asked for where messages do not fit into a cache line. */
  roundTripSize(size: number): number {
    return isFloor(this.id) ? Math.min(size, this.ready?.maxSize ?? size) : size;
  }

  async ask(command: Command, count: number, size: number): Promise<Block> {
    const process = this.#process;
    if (process === undefined) throw new Error(`${this.id} is not running`);
    const line = `${command} ${count} ${size}`;
    const answer = await process.ask<Block | { error: string }>(line);
    if ("error" in answer) throw new Error(answer.error);
    const isTimed = command === "round-trip" || command === "after-silence";
    return { ...answer, samples: this.#takeSamples(isTimed ? count : 0) };
  }

  /** The samples of the round trips since the last time, in nanoseconds. */
  #takeSamples(count: number): Uint32Array {
    const samples = new Uint32Array(count);
    if (count === 0) return samples;
    const position = this.#samplesEnd * bytesPerSample;
    const length = readSync(this.#samples, samples, 0, samples.byteLength, position);
    if (length < samples.byteLength) {
      throw new Error(`${length / bytesPerSample} samples were written instead of ${count}`);
    }
    this.#samplesEnd += count;
    return samples;
  }

  async leave(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (this.#samples >= 0) closeSync(this.#samples);
    this.#samples = -1;
    await process?.leave();
  }

  #launch(cores: Cores, samples: string): LineProcess {
    const { mechanism, program } = this.contender;
    const args = [program, ...(cores ?? ["-", "-"]).map(String), samples];
    if (mechanism.runner === "native") return new LineProcess(native, args);
    return startScript(mechanism.runner, "race/sides/first.ts", [...args, newPath()]);
  }
}
