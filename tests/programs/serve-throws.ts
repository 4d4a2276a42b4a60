/** A server whose callbacks all throw. Says what went uncaught, and how many calls were answered. */
import process from "node:process";
import { RpcClient, serve } from "../../src/index.ts";
import { print, programArguments } from "../support/child.ts";

const { path } = programArguments<{ path: string }>();
const uncaught: string[] = [];
process.on("uncaughtException", (error: Error) => {
  uncaught.push(error.message);
});

const counts: Record<string, number> = {};
function raise(name: string): never {
  counts[name] = (counts[name] ?? 0) + 1;
  throw new Error(`${name} ${counts[name]}`);
}

let answered = 0;
const server = await serve({
  path,
  handler: ({ bytes }) => {
    if (bytes.length === 0) throw new Error("the handler's own");
    return bytes;
  },
  onOpen: () => raise("onOpen"),
  onClose: () => raise("onClose"),
  onError: () => raise("onError"),
});
for (let round = 0; round < 2; round++) {
  using client = await RpcClient.connect(path);
  await client.call(new Uint8Array()).catch(() => {});
  answered += (await client.call(new Uint8Array(1))).bytes.length;
}
await server.stop();
await new Promise((resolve) => setTimeout(resolve, 0));
print({ answered, uncaught: uncaught.sort() });
