import { runtimes, startScript } from "../line-process.ts";
import type { Step } from "./blocks.ts";
import type { Micro } from "./result.ts";

/** Single calls, in each runtime alone. */
export async function measureMicro(quick: boolean, step: Step): Promise<Micro[]> {
  const all: Micro[] = [];
  for (const [index, runtime] of runtimes.entries()) {
    step(index / runtimes.length, runtime);
    const script = startScript(runtime, "race/micro/main.ts", quick ? ["--quick"] : []);
    try {
      const { micro } = JSON.parse(await script.hear()) as { micro: Omit<Micro, "runner">[] };
      all.push(...micro.map((call) => ({ ...call, runner: runtime })));
    } finally {
      await script.leave();
    }
  }
  return all;
}
