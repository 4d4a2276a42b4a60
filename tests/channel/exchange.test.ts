/** The library at both ends, one under Bun and one under Deno. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { Consumer, Producer } from "../../src/index.ts";
import { messageAt, sizeAt } from "../peer/content.ts";
import { type Outcome, outcomesOf, startEnd } from "../support/far-end.ts";
import { temporaryPaths } from "../support/folder.ts";
import { otherRuntime, thisRuntime } from "../support/program.ts";
import { checksumOf } from "../support/seed.ts";

const newPath = temporaryPaths();
const patience = { timeout: 10_000 };
/** As tests/programs/end.ts makes them. */
const seed = 7;
const messageOf = (index: number, sizeMax: number) =>
  messageAt(seed, index, sizeAt(seed, index, 0, sizeMax));

interface Traffic {
  readonly capacity: number;
  readonly count: number;
  readonly sizeMax: number;
}

const traffic: Record<string, Traffic> = {
  "many small messages": { capacity: 2 ** 20, count: 20_000, sizeMax: 64 },
  "a ring that is nearly always full": { capacity: 4096, count: 3000, sizeMax: 1984 },
  "messages of up to half a MiB": { capacity: 2 ** 20, count: 50, sizeMax: 2 ** 19 - 64 },
};

for (const [name, { capacity, count, sizeMax }] of Object.entries(traffic)) {
  for (const listens of [true, false]) {
    const role = listens ? "listens" : "connects";
    const open = listens ? "connectSync" : "listenSync";
    const options = listens ? patience : { ...patience, capacity };
    const far = { listens, options: listens ? { capacity } : {} };

    test(`${name} go from ${thisRuntime} to a ${otherRuntime} consumer that ${role}`, async () => {
      const path = newPath();
      const steps = [["receiveRandom"], ["peer"]] as const;
      using program = startEnd({ path, end: "consumer", ...far, steps });
      const producer = Producer[open](path, options);
      assert.equal(producer.peer.pid, program.pid);
      const sent = Array.from({ length: count }, (_, index) => messageOf(index, sizeMax));
      sent.forEach((bytes, index) => {
        producer.sendSync(bytes, index, patience);
      });
      producer.close();
      const [received, peer] = (await outcomesOf(program, 2)) as [Outcome, Outcome];
      assert.deepEqual(received.error, undefined);
      assert.deepEqual(received.value, { count, checksum: checksumOf(sent) });
      assert.equal((peer.value as { pid: number }).pid, process.pid);
    });

    test(`${name} come to ${thisRuntime} from a ${otherRuntime} producer that ${role}`, async () => {
      const path = newPath();
      const steps = [["sendRandom", count, sizeMax]] as const;
      using program = startEnd({ path, end: "producer", ...far, steps });
      using consumer = Consumer[open](path, options);
      const into = new Uint8Array(consumer.maxMessageSize);
      for (let index = 0; index < count; index++) {
        const size = consumer.receiveIntoSync(into, patience);
        assert.equal(consumer.lastTypeId, index);
        assert.equal(Buffer.compare(into.subarray(0, size), messageOf(index, sizeMax)), 0);
      }
      assert.equal(consumer.receiveIntoSync(into, patience), -2);
      const [sent] = await outcomesOf(program, 1);
      assert.equal(sent?.error, undefined);
    });
  }
}
