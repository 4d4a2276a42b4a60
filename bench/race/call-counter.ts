import { join } from "node:path";
import { root } from "../../scripts/environment.mjs";
import { LineProcess } from "../line-process.ts";

/** Counts the system calls of some processes, all their threads included, by the kernel's own counter. */
export interface CallCounter {
  /** How many they made while the work was done. */
  during(work: () => Promise<unknown>): Promise<number>;
  close(): Promise<void>;
}

export async function countCalls(
  pids: readonly number[],
): Promise<CallCounter | { readonly reason: string }> {
  const counter = new LineProcess(join(root, "zig-out/bin/count-calls"), pids.map(String));
  const answer = JSON.parse(await counter.hear()) as { ready: true } | { forbidden: string };
  if ("forbidden" in answer) {
    await counter.leave();
    return { reason: answer.forbidden };
  }
  const total = async () => (await counter.ask<{ calls: number }>("")).calls;
  return {
    async during(work) {
      const before = await total();
      await work();
      return (await total()) - before;
    },
    close: () => counter.leave(),
  };
}
