import { Consumer, Producer } from "zerocross";
import { type AwaitingEnd, firstAwaiting, secondAwaiting } from "./awaiting.ts";
import type { Mechanism } from "./mechanism.ts";
import { capacity, type Ends, meetingMax, paths } from "./rings.ts";

function endOf({ producer, consumer }: Ends): AwaitingEnd {
  return {
    send: (bytes) => producer.send(bytes),
    receive: () => consumer.receive(),
  };
}

const timeout = meetingMax;

export const awaitedRing: Mechanism = {
  isBlocking: false,
  async first({ prefix, startProcess }) {
    await startProcess();
    const { there, back } = paths(prefix);
    const producer = await Producer.listen(there, { capacity, timeout });
    return firstAwaiting(endOf({ producer, consumer: await Consumer.connect(back, { timeout }) }));
  },
  async second({ prefix, hello }) {
    await hello();
    const { there, back } = paths(prefix);
    const consumer = await Consumer.connect(there, { timeout });
    const producer = await Producer.listen(back, { capacity, timeout });
    return secondAwaiting(endOf({ producer, consumer }));
  },
};
