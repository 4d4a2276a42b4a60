/** Receives from producers that come and go or are killed. */
import { ClosedError, FanIn } from "../../../src/index.ts";
import { Feeds } from "../feeds.ts";
import { Member } from "../member.ts";
import { checkRequest } from "../requests.ts";

const member = new Member();
const feeds = new Feeds();
const fanIn = await FanIn.listen(member.path(member.load), { capacity: 16384 });

// Those who sent are gone before this is told to end; what they left is received before it ends.
const timer = setInterval(() => {
  if (!member.goesOn() && fanIn.connections === 0) fanIn.close();
}, 100);
try {
  for await (const { bytes, typeId, peer } of fanIn) {
    feeds.take(peer.pid, checkRequest(bytes), typeId);
    member.messages += 1;
  }
} catch (error) {
  if (!(error instanceof ClosedError)) throw error;
}
clearInterval(timer);
feeds.checkEnds();
member.report();
