// A Deno process that asks answer.ts for what is in its database.

import { RpcClient, RpcError } from "zerocross";

const deadlineMs = 200;

const questions = [
  "SELECT name, moons FROM planets WHERE moons > 0",
  "SELECT name FROM asteroids",
  // Counts to three million, which takes longer than the deadline.
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000) SELECT max(i) FROM n",
];

const [path] = Deno.args;
if (path === undefined) {
  console.error("Usage: deno run --allow-ffi ask.ts <the path that answer.ts prints>");
  Deno.exit(2);
}

using client = await RpcClient.connect(path);
console.log(`Deno: process ${Deno.pid} asks process ${client.peer.pid}.`);
for (const question of questions) {
  console.log(`\nDeno: ${question}`);
  console.log(await ask(client, question));
}

async function ask(client: RpcClient, question: string): Promise<unknown> {
  try {
    const reply = await client.call(new TextEncoder().encode(question), { timeout: deadlineMs });
    return JSON.parse(new TextDecoder().decode(reply.bytes));
  } catch (error) {
    if (error instanceof RpcError) return `The other side could not answer: ${error.message}`;
    if (error instanceof DOMException && error.name === "TimeoutError") {
      return `No answer within ${deadlineMs} ms.`;
    }
    throw error;
  }
}
