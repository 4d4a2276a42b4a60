import { median, quantile } from "simple-statistics";
import { newAddress, newSocketPath, runtimeName, runtimes } from "../line-process.ts";
import { inRounds, type Scenario, withProcesses } from "./scenario.ts";

const mechanisms = {
  zerocross: { name: "zerocross", newPath: newAddress },
  net: { name: "node:net, Unix socket", newPath: newSocketPath },
} as const;

/** How long a message is under way to an event loop that has slept for 20 ms. */
export const first: Scenario = {
  name: "first",
  title: "The first message after 20 ms without any, one way to `await receive()`, 32 bytes",
  seconds: 11,
  measure: ({ step, share }) =>
    withProcesses(async (processes) => {
      const ways = runtimes.flatMap((runtime) =>
        (["zerocross", "net"] as const).map((mechanism) => {
          const { name, newPath } = mechanisms[mechanism];
          const path = newPath();
          const [sender, receiver] = ["sends", "receives"].map((position) =>
            processes.script(runtime, "first-side.ts", position, mechanism, path),
          );
          const id = `${runtime}/first-${mechanism}`;
          return { id, name: `${runtimeName[runtime]}, ${name}`, sender, receiver };
        }),
      );
      const perBlock = share(10, 3);
      const blocks = await inRounds(ways, share(10, 1), step, async ({ sender, receiver }) => {
        // The receiver first: it listens when the first message comes, a pause later.
        const delays = receiver?.ask<number[]>(String(perBlock));
        await sender?.ask(String(perBlock));
        return (await delays) ?? [];
      });
      return {
        notes: ["from before the send to the continuation", "both sides on event loops asleep"],
        columns: [
          { name: "median", unit: "µs" },
          { name: "p10", unit: "µs" },
          { name: "p90", unit: "µs" },
          { name: "x node:net", unit: "times" },
        ],
        rows: ways.map(({ id, name }, index) => {
          const delays = blocks[index] ?? [];
          const at = (share: number) => quantile(delays.flat(), share);
          // The socket has run beside the ring in every block.
          const beside = blocks[index | 1] ?? [];
          const times = delays.map((block, at) => median(block) / median(beside[at] ?? []));
          return { id, name, values: [at(0.5), at(0.1), at(0.9), median(times)] };
        }),
      };
    }),
};
