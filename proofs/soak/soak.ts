/** The run: starts every load, watches all processes, ends them in order, and says what was seen. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MismatchError } from "./content.ts";
import { Latency, type Percentiles } from "./latency.ts";
import { type Load, loads, type Place } from "./loads.ts";
import { holdWord, type StopWord } from "./member.ts";
import { type Sample, say, Worker } from "./processes.ts";
import { Visitors } from "./visitors.ts";

/** Times are in seconds. */
export interface Settings {
  readonly seconds: number;
  /** What is seen before is not judged: compilers and heaps settle. */
  readonly warmUp: number;
  readonly sampleEvery: number;
  /** Latencies are told for spans of so long. */
  readonly window: number;
  /** Before and after what is judged: nobody comes or goes. */
  readonly calm: number;
  readonly seed: number;
}

/** Everything at one moment. */
export interface Row {
  /** Seconds since the begin. */
  readonly at: number;
  readonly messages: Readonly<Record<string, number>>;
  /** In the order of `Observed.processes`. */
  readonly samples: readonly (Sample | undefined)[];
}

export interface ObservedProcess extends Place {
  readonly pid: number;
  /** With nobody coming or going. */
  readonly start: Sample | undefined;
  readonly end: Sample | undefined;
}

export interface ObservedLoad {
  readonly name: string;
  readonly about: string;
  readonly messages: number;
  readonly connections: number;
  /** Of the time after the warm-up; empty where round trips are not timed. */
  readonly windows: readonly Percentiles[];
}

export interface Observed {
  readonly seconds: number;
  readonly interrupted: boolean;
  readonly failures: readonly string[];
  readonly loads: readonly ObservedLoad[];
  readonly processes: readonly ObservedProcess[];
  /** Visitors that were killed. */
  readonly killed: number;
  readonly rows: readonly Row[];
}

/** Seconds that all have to begin in, after the warm-up. */
const startMax = 20;
/** Seconds that all have to end in, before they are killed. */
const endMax = 30;
/** Seconds in which whoever fails because another failed may say so too. */
const echoMax = 0.5;

export class Soak {
  readonly #settings: Settings;
  readonly #folder: string;
  readonly #workers: Worker[] = [];
  readonly #latencies = new Map<string, Latency>();
  readonly #visitors: Visitors;
  readonly #failures: string[] = [];
  readonly #rows: Row[] = [];
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;
  #isKilled = false;
  #isInterrupted = false;
  #begun = 0;

  constructor(settings: Settings, folder: string) {
    this.#settings = settings;
    this.#folder = folder;
    this.#visitors = new Visitors(folder, settings.seed, (failure) => this.#fail(failure));
  }

  /** `onRow` is told of every sample. Never rejects because of what the processes do. */
  async run(onRow: (row: Row) => void): Promise<Observed> {
    const { seconds, warmUp, sampleEvery, window } = this.#settings;
    this.#begun = performance.now();
    for (const { places } of loads) for (const place of places) this.#start(place);
    this.#visitors.start();
    const sampler = setInterval(() => {
      const row = this.#row();
      this.#rows.push(row);
      onRow(row);
    }, sampleEvery * 1000);
    await this.#elapse(warmUp);
    await this.#allAtWork();
    const starts = await this.#calm();
    for (const load of this.#latencies.keys()) this.#latencies.set(load, new Latency());
    const windows = setInterval(() => this.#endWindows(), window * 1000);
    await this.#elapse(seconds - this.#elapsed());
    clearInterval(windows);
    const ends = await this.#calm();
    clearInterval(sampler);
    const elapsed = this.#elapsed();
    await this.#stop();
    return this.#observed(elapsed, starts, ends);
  }

  /** Has `run` end the soak now, and answer what was seen until then. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#end();
  }

  /** Ends every process at once. */
  kill(): void {
    this.#isKilled = true;
    for (const worker of this.#workers) worker.kill("SIGKILL");
    this.#visitors.kill();
  }

  #start(place: Place): void {
    const { load } = place;
    const worker = new Worker(place, this.#folder, this.#settings.seed, (microseconds) => {
      if (microseconds.length === 0) return;
      const latency = this.#latencies.get(load) ?? new Latency();
      this.#latencies.set(load, latency);
      latency.add(microseconds);
    });
    this.#workers.push(worker);
    void worker.ended.then(({ code, signal, errors }) => {
      if ((code === 0 && this.#isOver) || this.#isKilled) return;
      this.#fail(`${worker.name} (${place.runtime}) ended with ${signal ?? code}: ${errors}`);
    });
  }

  #fail(failure: string): void {
    // A wrong message comes first, whoever else failed because of the process that found it.
    if (failure.includes(MismatchError.name)) this.#failures.unshift(failure);
    else this.#failures.push(failure);
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.#over.resolve();
  }

  #elapsed(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  /** Resolves after `seconds`, or when the soak is over before. */
  async #elapse(seconds: number): Promise<void> {
    const abort = new AbortController();
    const slept = delay(seconds * 1000, undefined, { signal: abort.signal }).catch(() => {});
    await Promise.race([slept, this.#over.promise]);
    abort.abort();
  }

  /** Resolves when every process has reported something done. */
  async #allAtWork(): Promise<void> {
    const deadline = this.#elapsed() + startMax;
    while (!this.#isOver) {
      const idle = this.#workers.find(({ messages, sent }) => messages + sent === 0);
      if (idle === undefined) break;
      if (this.#elapsed() > deadline) this.#fail(`${idle.name} did nothing in ${startMax} s`);
      await this.#elapse(0.1);
    }
  }

  /** What each process holds while nobody comes or goes. */
  async #calm(): Promise<readonly (Sample | undefined)[]> {
    say(this.#folder, holdWord);
    await this.#visitors.stop();
    const { calm } = this.#settings;
    // Those under way arrive, and event loops fall asleep that never had the time to.
    await this.#elapse(calm / 2);
    const least = this.#workers.map((worker) => worker.sample());
    const deadline = this.#elapsed() + calm / 2;
    while (!this.#isOver && this.#elapsed() < deadline) {
      await this.#elapse(calm / 20);
      this.#workers.forEach((worker, index) => {
        least[index] = leastOf(least[index], worker.sample());
      });
    }
    rmSync(join(this.#folder, holdWord), { force: true });
    if (!this.#isOver) this.#visitors.start();
    return least;
  }

  #row(): Row {
    const messages: Record<string, number> = {};
    for (const { place, messages: own } of this.#workers) {
      messages[place.load] = (messages[place.load] ?? 0) + own;
    }
    const samples = this.#workers.map((worker) => worker.sample());
    return { at: this.#elapsed(), messages, samples };
  }

  #endWindows(): void {
    for (const latency of this.#latencies.values()) latency.endWindow(this.#elapsed());
  }

  /** Guests before hosts. Where something failed, the others only get to say what they saw of it. */
  async #stop(): Promise<void> {
    this.#end();
    await this.#visitors.stop();
    if (this.#failures.length > 0) {
      await delay(echoMax * 1000);
      this.kill();
    }
    for (const word of ["stop", "stop-hosts"] as const) await this.#stopAll(word);
    if (this.#failures.length === 0) this.#checkDelivered();
  }

  async #stopAll(word: StopWord): Promise<void> {
    say(this.#folder, word);
    const told = this.#workers.filter((worker) => worker.place.stopWord === word);
    const ended = Promise.all(told.map((worker) => worker.ended));
    const abort = new AbortController();
    const late = delay(endMax * 1000, "late", { signal: abort.signal }).catch(() => {});
    if ((await Promise.race([ended, late])) === "late") {
      for (const worker of told.filter(({ hasEnded }) => !hasEnded)) {
        this.#failures.push(`${worker.name} did not end within ${endMax} s of being told to`);
        worker.kill("SIGKILL");
      }
    }
    await ended;
    abort.abort();
  }

  #checkDelivered(): void {
    for (const load of loads.filter(({ delivers }) => delivers)) {
      const { messages, sent } = this.#sums(load);
      if (messages === sent) continue;
      this.#failures.push(`${load.name}: ${messages} messages were received of ${sent} sent`);
    }
  }

  #sums({ name }: Load): { messages: number; sent: number; connections: number } {
    const sums = { messages: 0, sent: 0, connections: 0 };
    for (const worker of this.#workers.filter(({ place }) => place.load === name)) {
      sums.messages += worker.messages;
      sums.sent += worker.sent;
      sums.connections += worker.connections;
    }
    return sums;
  }

  #observed(
    seconds: number,
    starts: readonly (Sample | undefined)[],
    ends: readonly (Sample | undefined)[],
  ): Observed {
    return {
      seconds,
      interrupted: this.#isInterrupted,
      failures: this.#failures,
      loads: loads.map((load): ObservedLoad => {
        const { name, about } = load;
        const { messages, connections } = this.#sums(load);
        return { name, about, messages, connections, windows: this.#windowsOf(name) };
      }),
      processes: this.#workers.map(({ place, pid }, index) => {
        return { ...place, pid, start: starts[index], end: ends[index] };
      }),
      killed: this.#visitors.killed,
      rows: this.#rows,
    };
  }

  #windowsOf(load: string): readonly Percentiles[] {
    return this.#latencies.get(load)?.windows ?? [];
  }
}

function leastOf(one: Sample | undefined, other: Sample | undefined): Sample | undefined {
  if (one === undefined || other === undefined) return undefined;
  return {
    rssBytes: Math.min(one.rssBytes, other.rssBytes),
    descriptors: Math.min(one.descriptors, other.descriptors),
    mappings: Math.min(one.mappings, other.mappings),
    ...(other.heapBytes !== undefined && { heapBytes: other.heapBytes }),
  };
}
