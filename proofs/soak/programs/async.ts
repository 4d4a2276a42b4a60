/** Calls that never block, in bursts with pauses in which the event loops fall asleep. */
import { setTimeout as delay } from "node:timers/promises";
import { Consumer, Producer } from "../../../src/index.ts";
import { Content } from "../content.ts";
import { Member, patience } from "../member.ts";
import { Pace } from "../pace.ts";

const member = new Member();
const content = new Content(member.seed, 0, 2000);
const path = member.path(member.load);

if (member.role === "producer") {
  using producer = await Producer.connect(path, patience);
  const pace = new Pace(5000);
  for (let number = 0; member.goesOn(); await delay(50)) {
    for (let due = pace.due(); due > 0; due--, number++, member.sent++) {
      await producer.send(content.message(number), number, patience);
    }
  }
} else {
  using consumer = await Consumer.listen(path, { ...patience, capacity: 65536 });
  let number = 0;
  for await (const { bytes, typeId } of consumer) {
    content.check(number++, bytes, typeId);
    member.messages += 1;
    member.goesOn();
  }
}
member.report();
