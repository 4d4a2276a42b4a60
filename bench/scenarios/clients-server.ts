// `clients-server.ts <path> <capacity>`: serves. Answers every line with its connections and its memory in KiB.

import { readFileSync } from "node:fs";
import { serve } from "zerocross";
import { answerLines } from "../lines.ts";

const [path = "", capacity = ""] = process.argv.slice(2);
const server = await serve({
  path,
  capacity: Number(capacity),
  handler: ({ bytes }) => bytes,
  onError(error) {
    throw error;
  },
});

function memory(name: string): number {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
}

console.log("ready");
await answerLines(() => ({
  connections: server.connections,
  shmemKiB: memory("RssShmem"),
  anonKiB: memory("RssAnon"),
}));
