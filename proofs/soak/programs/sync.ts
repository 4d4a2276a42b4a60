/** Calls that block, through a ring so small that it fills and wraps all the time; nobody spins. */
import { Consumer, Producer } from "../../../src/index.ts";
import { pause } from "../../../tests/support/child.ts";
import { Content } from "../content.ts";
import { Member, patience } from "../member.ts";
import { Pace } from "../pace.ts";

const member = new Member();
const capacity = 4096;
const content = new Content(member.seed, 0, capacity / 2 - 64);
const options = { ...patience, wait: { spin: 0 } };
const path = member.path(member.load);

if (member.role === "producer") {
  using producer = Producer.connectSync(path, options);
  const pace = new Pace(4000);
  for (let number = 0; member.goesOn(); pause(20)) {
    for (let due = pace.due(); due > 0; due--, number++, member.sent++) {
      producer.sendSync(content.message(number), number, patience);
    }
  }
} else {
  using consumer = Consumer.listenSync(path, { ...options, capacity });
  for (let number = 0; ; number++, member.messages++) {
    const message = consumer.receiveSync(patience);
    if (message === null) break;
    content.check(number, message.bytes, message.typeId);
    member.goesOn();
  }
}
member.report();
