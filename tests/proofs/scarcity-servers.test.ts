/** No descriptors left in who serves many: those who are there do not notice, others come later. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { CrowdedArguments, Order, State } from "../../proofs/scarcity/programs/crowded.ts";
import { startRestricted } from "../../proofs/scarcity/restricted.ts";
import { Producer, RpcClient } from "../../src/index.ts";
import { temporaryPaths } from "../support/folder.ts";
import type { Program } from "../support/program.ts";
import { within } from "../support/promises.ts";

const newPath = temporaryPaths();
const options = { timeout: 5000 };
/** Descriptors that a server takes for one more client, those of its waiter included. */
const enough = 6;

interface Witness {
  ask(order: Order): Promise<State>;
  close(): void;
}

const kinds = {
  serve: {
    connect: (path: string) => RpcClient.connect(path, options),
    async witness(path: string): Promise<Witness> {
      const client = await RpcClient.connect(path, options);
      const ask = async (order: Order) => {
        const { bytes } = await client.call(encode(order), options);
        return JSON.parse(new TextDecoder().decode(bytes)) as State;
      };
      return { ask, close: () => client.close() };
    },
  },
  FanIn: {
    connect: (path: string) => Producer.connect(path, options),
    async witness(path: string, program: Program): Promise<Witness> {
      const producer = await Producer.connect(path, options);
      const ask = async (order: Order) => {
        await producer.send(encode(order), 0, options);
        return await within(program.next<State>());
      };
      return { ask, close: () => producer.close() };
    },
  },
} as const;

function encode(order: Order): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(order));
}

async function outcomeOf(connecting: Promise<Disposable>): Promise<string> {
  try {
    using _ = await connecting;
    return "connected";
  } catch (error) {
    return (error as Error).message;
  }
}

async function untilState(witness: Witness, isSo: (state: State) => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (true) {
    const state = await witness.ask({});
    if (isSo(state)) return;
    assert.ok(performance.now() < deadline, `still ${JSON.stringify(state)}`);
  }
}

for (const kind of ["serve", "FanIn"] as const) {
  test(`${kind} without a free descriptor goes on with its clients, and takes others in once there are some`, async () => {
    const { connect, witness: startWitness } = kinds[kind];
    const path = newPath();
    using program = startRestricted("crowded", { path, kind } satisfies CrowdedArguments);
    assert.equal(await program.next<string>(), "ready");
    const witness = await startWitness(path, program);
    // By now the server sleeps: what wakes it are its waiters, which Bun cannot start later on.
    await delay(50);
    const before = await witness.ask({});

    const outcomes: string[] = [];
    const heard: string[] = [];
    let waited = 0;
    for (let free = 0; free <= enough; free++) {
      await witness.ask({ free });
      const attempt = outcomeOf(connect(path));
      // Who is not even accepted waits, and for that there is no event.
      if ((await Promise.race([attempt, delay(200)])) === undefined) waited += 1;
      heard.push(...(await witness.ask({ free: null })).errors);
      outcomes.push(await within(attempt));
    }
    assert.equal(outcomes.at(-1), "connected", "there were enough descriptors in the end");
    const refused = outcomes.filter((outcome) => outcome !== "connected");
    assert.ok(refused.length + waited >= 1, `${outcomes}`);
    for (const message of refused) {
      assert.match(message, /closed the connection after 0 bytes.*had no room for one/);
    }
    assert.ok(heard.length >= 1);
    for (const message of heard) assert.match(message, /failed with EMFILE.*raise its limit/);

    const isAsBefore = ({ connections, descriptors, mappings }: State) =>
      connections === before.connections &&
      descriptors === before.descriptors &&
      mappings === before.mappings;
    await untilState(witness, isAsBefore);
    witness.close();
  });
}
