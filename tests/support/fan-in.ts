/** A FanIn and producers, all in this process. */
import { setImmediate as turn } from "node:timers/promises";
import { FanIn, type ListenOptions, Producer } from "../../src/index.ts";
import { Deadline } from "../peer/deadline.ts";

const timeout = 10_000;

/** An end in this process, while nobody sends. */
export async function connected(fanIn: FanIn, path: string): Promise<Producer> {
  const before = fanIn.connections;
  const controller = new AbortController();
  const receiving = fanIn.receive({ signal: controller.signal });
  receiving.catch(() => {});
  const producer = await Producer.connect(path, { timeout });
  controller.abort();
  const deadline = new Deadline(timeout);
  while (fanIn.connections === before) {
    deadline.check("for the producer to be counted");
    await turn();
  }
  return producer;
}

/** Hold it with `using`: all ends are closed when the test is over. */
export async function openAll(path: string, count: number, options?: ListenOptions) {
  const fanIn = await FanIn.listen(path, options);
  const producers: Producer[] = [];
  for (let i = 0; i < count; i++) producers.push(await connected(fanIn, path));
  return {
    path,
    fanIn,
    producers,
    [Symbol.dispose]() {
      fanIn.close();
      for (const producer of producers) producer.close();
    },
  };
}
