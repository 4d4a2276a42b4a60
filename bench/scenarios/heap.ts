import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { environment } from "../../scripts/environment.mjs";
import { type Runtime, runtimeName, runtimes } from "../line-process.ts";
import { commandOf } from "../race/sides/runtime.ts";
import type { Scenario } from "./scenario.ts";

const forms = ["copies", "batches"];
const script = fileURLToPath(new URL("../../tests/programs/heap.ts", import.meta.url));

/** How far the runtime's own figure of its heap moves while messages go from end to end in one thread. */
export const heap: Scenario = {
  name: "heap",
  title: "Heap bytes for each message, from end to end in one thread",
  seconds: 6,
  async measure({ step, share }) {
    const messages = 100_000 * share(20, 2);
    const rows = [];
    for (const runtime of runtimes) {
      step(runtimeName[runtime]);
      for (const form of forms) {
        const id = `${runtime}/heap-${form}`;
        const values = [(await heapSpread(runtime, form, messages)) / messages];
        rows.push({ id, name: `${runtimeName[runtime]}, ${form}`, values });
      }
    }
    return {
      notes: [
        `${messages / 1e6} million messages`,
        "Bun without its collector, which hides what it frees",
      ],
      columns: [{ name: "of the heap", unit: "bytes" }],
      rows,
    };
  },
};

async function heapSpread(runtime: Runtime, form: string, messages: number): Promise<number> {
  const [program, ...args] = commandOf(script, runtime);
  const child = spawn(program, [...args, JSON.stringify({ form, messages })], {
    // Without its collector JavaScriptCore's figure is of everything that was ever allocated.
    env: { ...environment, BUN_JSC_useGC: "0" },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 60_000,
  });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  await once(child, "close");
  const { samples } = JSON.parse(Buffer.concat(output).toString()) as { samples: number[] };
  return Math.max(...samples) - Math.min(...samples);
}
