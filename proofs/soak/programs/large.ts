/** Messages of up to half a ring, written and read where they lie. */
import { Consumer, Producer } from "../../../src/index.ts";
import { pause } from "../../../tests/support/child.ts";
import { Content } from "../content.ts";
import { Member, patience } from "../member.ts";
import { Pace } from "../pace.ts";

const member = new Member();
const capacity = 2 ** 20;
const content = new Content(member.seed, 0, capacity / 2 - 64);
const path = member.path(member.load);

if (member.role === "producer") {
  using producer = Producer.connectSync(path, patience);
  const pace = new Pace(50);
  for (let number = 0; member.goesOn(); pause(100)) {
    for (let due = pace.due(); due > 0; due--, number++, member.sent++) {
      const message = content.message(number);
      using slot = producer.claimSync(message.length, patience);
      slot.bytes.set(message);
      slot.commit(message.length, number);
    }
  }
} else {
  using consumer = Consumer.listenSync(path, { ...patience, capacity });
  let number = 0;
  while (true) {
    using batch = consumer.drainSync(4, patience);
    if (batch === null) break;
    for (const { bytes, typeId } of batch) content.check(number++, bytes, typeId);
    member.messages += batch.length;
    member.goesOn();
  }
}
member.report();
