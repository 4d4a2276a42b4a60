/** Comes and goes: connects to a server, asks, leaves; connects to the fan-in, sends, leaves. */
import { setTimeout as delay } from "node:timers/promises";
import { Producer, RpcClient } from "../../../src/index.ts";
import { smallWordsMax, writeSmall } from "../content.ts";
import { feedNumber, feedTypes } from "../feeds.ts";
import { Member, patience } from "../member.ts";
import { Requests } from "../requests.ts";

const member = new Member();
const servers = ["serve-bun", "serve-deno"];
const atOnce = 20;

async function visit(server: string, leavesEarly: boolean): Promise<void> {
  using client = await RpcClient.connect(member.path(server), patience);
  const requests = new Requests(client);
  await requests.ask();
  await Promise.all(Array.from({ length: atOnce }, () => requests.ask()));
  member.messages += 1 + atOnce;
  // Some leave with a call under way, which nobody is there to be answered any more.
  if (leavesEarly) void requests.ask().catch(() => {});
}

async function feed(connection: number): Promise<void> {
  using producer = await Producer.connect(member.path("fan-in"), patience);
  const words = new Uint32Array(smallWordsMax);
  const count = 1 + (connection % 100);
  const steady = member.role === "steady" ? feedTypes.steady : 0;
  for (let n = 0; n < count; n++) {
    const length = writeSmall(words, 0, feedNumber(connection, n));
    const last = n === count - 1 ? feedTypes.last : 0;
    await producer.send(new Uint8Array(words.buffer, 0, 4 * length), last | steady, patience);
  }
}

for (let connection = 0; member.goesOn(); await delay(20)) {
  if (member.isHeld()) continue;
  await visit(servers[connection % 2] as string, connection % 3 === 0);
  await feed(connection);
  connection += 1;
  member.connections += 2;
}
member.report();
