import { readdirSync, readFileSync } from "node:fs";

/**
 * Milliseconds that the threads of this process were ready to run and did not get a core. The time by
 * which it is late, less what this grew by meanwhile, does not depend on what else the machine does.
 */
export function schedulerDelay(): number {
  let delay = 0;
  for (const thread of readdirSync("/proc/self/task")) {
    try {
      const words = readFileSync(`/proc/self/task/${thread}/schedstat`, "utf8").split(" ");
      delay += Number(words[1]) / 1e6;
    } catch {
      // It has ended meanwhile.
    }
  }
  return delay;
}
