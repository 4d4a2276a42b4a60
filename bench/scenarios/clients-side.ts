// `clients-side.ts <path> <clients> <in flight>`: so many clients on one event loop, each with a connection
// of its own. `window <ms>`: all of them call for that long; `calls <n>`: each makes so many calls.
// Answers how many calls of each were answered, rightly, and how many were made.

import { RpcClient } from "zerocross";
import { answerLines } from "../lines.ts";
import { Bytes } from "../race/sides/payload.ts";

const [path = "", clientsText = "", inFlightText = ""] = process.argv.slice(2);
const inFlight = Number(inFlightText);
const size = 32;

const clients: RpcClient[] = [];
for (let i = 0; i < Number(clientsText); i++) {
  clients.push(await RpcClient.connect(path, { timeout: 20_000 }));
}
console.log("ready");

let lastIndex = 0;

interface Count {
  made: number;
  answered: number;
}

/** Calls one after the other for as long as `goesOn` says so. */
async function place(client: RpcClient, count: Count, goesOn: () => boolean): Promise<void> {
  const payload = new Bytes(size, { isWhole: true });
  while (goesOn()) {
    const index = lastIndex++ >>> 0;
    count.made += 1;
    const { bytes } = await client.call(payload.make(index));
    payload.check(bytes, index);
    count.answered += 1;
  }
}

await answerLines(async (line) => {
  const [what, text] = line.split(" ");
  const limit = Number(text);
  const counts = clients.map((): Count => ({ made: 0, answered: 0 }));
  // A clock read for each call would be a share of its cost that is not the library's.
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  const timer = what === "window" ? setTimeout(end, limit) : undefined;
  await Promise.all(
    clients.flatMap((client, at) => {
      const count = counts[at] as Count;
      const goesOn = what === "window" ? () => !isOver : () => count.made < limit;
      return Array.from({ length: inFlight }, () => place(client, count, goesOn));
    }),
  );
  clearTimeout(timer);
  return counts;
});
