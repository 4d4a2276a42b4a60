/** Round trips over two channels: the first of each burst wakes the other side, the rest find it awake. */
import { Consumer, Producer } from "../../../src/index.ts";
import { pause } from "../../../tests/support/child.ts";
import { checkSmall, smallWordsMax, writeSmall } from "../content.ts";
import { Member, patience } from "../member.ts";

const member = new Member();
const burst = 10;
const words = new Uint32Array(smallWordsMax);
const bytes = new Uint8Array(words.buffer);
let number = 0;

function ping(): void {
  using there = Producer.connectSync(member.path("there"), patience);
  using back = Consumer.connectSync(member.path("back"), patience);
  for (; member.goesOn(); pause(20)) {
    for (let i = 0; i < burst; i++, number++) {
      const message = bytes.subarray(0, 4 * writeSmall(words, 0, number));
      const begun = performance.now();
      there.sendSync(message, 0, patience);
      const size = back.receiveIntoSync(bytes, patience);
      member.latencies.push(performance.now() - begun);
      checkSmall(words, 0, size, number);
      member.messages += 1;
    }
  }
}

function pong(): void {
  using there = Consumer.listenSync(member.path("there"), patience);
  using back = Producer.listenSync(member.path("back"), patience);
  for (; ; number++) {
    const size = there.receiveIntoSync(bytes, patience);
    if (size < 0) break;
    back.sendSync(bytes.subarray(0, size), 0, patience);
    checkSmall(words, 0, size, number);
    member.messages += 1;
    member.goesOn();
  }
}

if (member.role === "ping") ping();
else pong();
member.report();
