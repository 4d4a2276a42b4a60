/** Calls that block, one after the other, and a thread that does nothing but answer them. */
import { RpcClient, RpcResponder } from "../../../src/index.ts";
import { answerTo } from "../../../tests/peer/content.ts";
import { pause } from "../../../tests/support/child.ts";
import { Content, checkBytes } from "../content.ts";
import { Member, patience } from "../member.ts";

const member = new Member();
const burst = 10;
const content = new Content(member.seed, 0, 300);
const path = member.path(member.load);
let number = 0;

if (member.role === "caller") {
  using client = RpcClient.connectSync(path, patience);
  for (; member.goesOn(); pause(20)) {
    for (let i = 0; i < burst; i++, number++, member.messages++) {
      const request = content.message(number);
      const begun = performance.now();
      const { bytes } = client.callSync(request, { ...patience, typeId: number });
      member.latencies.push(performance.now() - begun);
      checkBytes(number, answerTo(request), bytes);
    }
  }
} else {
  using responder = RpcResponder.listenSync(path, patience);
  responder.serveSync(({ bytes, typeId }) => {
    content.check(number++, bytes, typeId);
    member.messages += 1;
    member.goesOn();
    return answerTo(bytes);
  });
}
member.report();
