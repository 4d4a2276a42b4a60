/** A client that stays: now one call alone, which is timed, now many at once. */
import { setTimeout as delay } from "node:timers/promises";
import { RpcClient } from "../../../src/index.ts";
import { Member, patience } from "../member.ts";
import { Requests } from "../requests.ts";

const member = new Member();
const atOnce = 100;

using client = await RpcClient.connect(member.path(member.load), patience);
const requests = new Requests(client);
for (; member.goesOn(); await delay(20)) {
  const begun = performance.now();
  await requests.ask();
  member.latencies.push(performance.now() - begun);
  await Promise.all(Array.from({ length: atOnce }, () => requests.ask()));
  member.messages += 1 + atOnce;
}
client.close();
member.report();
