// A Deno process asks a Bun process: answers, an error that the other side threw, and a deadline.
// This starts both:
//
//   npm run bun -- examples/deno-asks-bun/main.ts
//
// To run each in a terminal of its own:
//
//   npm run bun -- examples/deno-asks-bun/answer.ts @planets
//   npm run deno -- run --allow-ffi examples/deno-asks-bun/ask.ts @planets

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";

const path = `@planets-${process.pid}`;
const answerProgram = fileURLToPath(new URL("answer.ts", import.meta.url));
const askProgram = fileURLToPath(new URL("ask.ts", import.meta.url));

const answer = spawn("bun", [answerProgram, path], { stdio: ["ignore", "inherit", "inherit"] });
const ask = spawn("deno", ["run", "--allow-ffi", askProgram, path], {
  stdio: ["ignore", "inherit", "inherit"],
});
process.once("SIGINT", () => ask.kill("SIGINT"));
const answerEnded = once(answer, "exit");
try {
  const [code] = await once(ask, "exit");
  process.exitCode = code ?? 1;
} finally {
  answer.kill();
  await answerEnded;
}
