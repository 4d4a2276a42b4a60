// A worker of front.ts: turns Markdown into HTML until the front stops it, or is gone.

import process from "node:process";
import { serve } from "zerocross";
import { ringCapacity } from "./limits.ts";

const [path = ""] = process.argv.slice(2);
const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

const server = await serve({
  path,
  capacity: ringCapacity,
  handler: ({ bytes }) => encoder.encode(render(decoder.decode(bytes))),
});

// Ctrl-C reaches every process of the terminal, but the front still has requests to answer.
process.on("SIGINT", () => {});
process.once("disconnect", () => server.stop());

function render(markdown: string): string {
  return Bun.markdown.html(markdown, { noHtmlBlocks: true, noHtmlSpans: true });
}
