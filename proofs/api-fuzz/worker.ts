/** Plays in a worker of child.ts. */
import { type Failure, playOn } from "./player.ts";
import { Progress } from "./progress.ts";
import type { Tally } from "./world.ts";

export interface WorkerOrder {
  readonly seed: number;
  readonly notes: string;
  /** Of the round's `Progress`. */
  readonly target: number;
  readonly shared: SharedArrayBuffer;
}

/** It takes its order, since one that was sent before is lost in Bun; then its figures, twice. */
export interface WorkerReport {
  readonly what: "ready" | "half done" | "done";
  readonly tally: readonly (readonly [string, number])[];
  readonly failure?: Failure | undefined;
}

declare const self: Worker;

self.onmessage = async ({ data: { seed, notes, target, shared } }: MessageEvent<WorkerOrder>) => {
  const tally: Tally = new Map();
  let isHalfDone = false;
  const failure = await playOn(seed, notes, tally, new Progress(target, shared), (progress) => {
    if (isHalfDone || !progress.isHalfDone) return;
    isHalfDone = true;
    report({ what: "half done", tally: [...tally] });
  });
  report({ what: "done", tally: [...tally], failure });
};
report({ what: "ready", tally: [] });

function report(message: WorkerReport): void {
  self.postMessage(message);
}
