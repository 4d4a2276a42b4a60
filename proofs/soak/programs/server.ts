/** Answers clients that stay, and many that come and go or are killed. */
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { PeerClosedError, PeerDiedError, type Request, serve } from "../../../src/index.ts";
import { answerTo } from "../../../tests/peer/content.ts";
import { Member } from "../member.ts";
import { checkRequest } from "../requests.ts";

const member = new Member();

function answer({ bytes }: Request): Uint8Array | Promise<Uint8Array> {
  const number = checkRequest(bytes);
  member.messages += 1;
  // Some replies are overtaken by others.
  return number % 4 === 0 ? turn(answerTo(bytes)) : answerTo(bytes);
}

const server = await serve({
  path: member.path(member.load),
  capacity: 65536,
  handler: answer,
  onOpen: () => {
    member.connections += 1;
  },
  onClose: (_, error) => {
    if (error !== undefined && !(error instanceof PeerDiedError)) member.fail(error);
  },
  onError: (error) => {
    // Who is killed may not even have connected.
    if (!(error instanceof PeerClosedError)) member.fail(error);
  },
});
while (member.goesOn()) await delay(100);
await server.stop();
member.report();
