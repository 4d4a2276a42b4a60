import type { Readable, Writable } from "node:stream";
import { messages } from "./events.ts";
import type { Mechanism } from "./mechanism.ts";
import { bytesOver } from "./streams.ts";

export const stdio: Mechanism = {
  isBlocking: false,
  async first({ startProcess, fail }) {
    const { child } = await startProcess("pipes");
    const [input, output] = [child.stdin as Writable, child.stdout as Readable];
    input.on("error", fail);
    return messages.first(bytesOver(output, input, fail));
  },
  async second({ hello, fail }) {
    const end = bytesOver(process.stdin, process.stdout, fail);
    await hello();
    return messages.second(end);
  },
};
