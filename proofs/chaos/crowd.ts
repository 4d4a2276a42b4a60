/** Victims among others: a server and a fan-in of this process that go on for those who live. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { FanIn, PeerDiedError, Producer, RpcClient, serve } from "../../src/index.ts";
import { answerTo, messageAt, sizeAt } from "../../tests/peer/content.ts";
import type { Program, Runtime } from "../../tests/support/program.ts";
import { closing, type Order, sizeMax, stepsOf } from "./order.ts";
import { progressOf, startVictim } from "./pair.ts";
import { Striker } from "./striker.ts";

const timeout = 10_000;
/** Those who stay, in this process, and those who are killed, at the same time. */
const steadyCount = 2;
const victimsAtOnce = 4;

export interface Crowd {
  readonly seed: number;
  readonly kills: number;
  readonly folder: string;
}

/** Kills so many clients of one server, and answers how many calls of the others were answered meanwhile. */
export async function crowdAtServer(crowd: Crowd): Promise<number> {
  const { seed, kills, folder } = crowd;
  const path = join(folder, "server");
  const ended = new Map<number, Error | undefined>();
  await using server = await serve({
    path,
    handler: ({ bytes }) => answerTo(bytes),
    onClose: (peer, error) => ended.set(peer.pid, error),
  });
  const steady = Array.from({ length: steadyCount }, () => new SteadyClient(path, seed));
  for (let killed = 0; killed < kills; killed += victimsAtOnce) {
    const victims = await startVictims("caller", path, crowd, killed);
    for (const { program } of victims) assert.equal((await program.ended).signal, "SIGKILL");
    await until("clients that died to be gone", () => server.connections === steadyCount);
    for (const { program } of victims) assertEnd(ended, program.pid);
  }
  let answered = 0;
  for (const client of steady) answered += await client.stop();
  return answered;
}

/** One that died in the handshake was never a client. */
function assertEnd(ended: Map<number, Error | undefined>, pid: number): void {
  if (ended.has(pid)) assert.ok(ended.get(pid) instanceof PeerDiedError, String(ended.get(pid)));
}

/** Calls on and on, and checks every reply. */
class SteadyClient {
  readonly #running: Promise<number>;
  #stops = false;

  constructor(path: string, seed: number) {
    this.#running = this.#run(path, seed);
    this.#running.catch(() => {});
  }

  async #run(path: string, seed: number): Promise<number> {
    using client = await RpcClient.connect(path, { timeout });
    let index = 0;
    for (; !this.#stops; index++) {
      const request = messageAt(seed, index, sizeAt(seed, index, 0, sizeMax));
      const { bytes } = await client.call(request, { timeout });
      assert.equal(Buffer.compare(bytes, answerTo(request)), 0, `reply ${index} is not whole`);
      if (index % 10 === 0) await delay(1);
    }
    return index;
  }

  stop(): Promise<number> {
    this.#stops = true;
    return this.#running;
  }
}

/** Kills so many producers of one fan-in, and answers how many messages the others sent meanwhile. */
export async function crowdAtFanIn(crowd: Crowd): Promise<number> {
  const { seed, kills, folder } = crowd;
  const path = join(folder, "fan-in");
  await using fanIn = await FanIn.listen(path);
  const received = new Map<number, number>();
  const receiving = receiveAll(fanIn, received, seed);
  receiving.catch(() => {});
  const steady = await Producer.connect(path, { timeout });
  let sent = 0;
  for (let killed = 0; killed < kills; killed += victimsAtOnce) {
    const victims = await startVictims("producer", path, crowd, killed);
    let living = victims.length;
    for (const { program } of victims) void program.ended.then(() => living--);
    for (; living > 0; sent++) {
      await steady.send(messageAt(seed, sent, sizeAt(seed, sent, 0, sizeMax)), sent, { timeout });
      await delay(1);
    }
    await until("producers that died to be gone", () => fanIn.connections === 1);
    for (const { program, order } of victims) {
      assert.equal((await program.ended).signal, "SIGKILL");
      const delivered = received.get(program.pid) ?? 0;
      assert.ok(delivered >= progressOf(order), `${delivered} of ${progressOf(order)} came`);
    }
  }
  await until("all to be received", () => received.get(steady.peer.pid) === sent);
  steady.close();
  fanIn.close();
  await assert.rejects(receiving, { name: "ClosedError" });
  return sent;
}

/** Every producer's messages come whole and in their order. */
async function receiveAll(fanIn: FanIn, received: Map<number, number>, seed: number) {
  for await (const { bytes, peer } of fanIn) {
    const index = received.get(peer.pid) ?? 0;
    const expected = messageAt(seed, index, sizeAt(seed, index, 0, sizeMax));
    assert.equal(
      Buffer.compare(bytes, expected),
      0,
      `message ${index} of ${peer.pid} is not whole`,
    );
    received.set(peer.pid, index + 1);
  }
}

interface Victim {
  readonly order: Order;
  readonly program: Program;
}

/** Each has a step at which it kills itself, and is killed some time later where it does not come to that. */
async function startVictims(
  role: "caller" | "producer",
  path: string,
  { seed, folder }: Crowd,
  from: number,
): Promise<Victim[]> {
  const victims = Array.from({ length: victimsAtOnce }, (_, offset) => {
    const number = seed + from + offset;
    const pick = (what: number, count: number) => sizeAt(number, what, 0, count - 1);
    const async = pick(1, 2) === 0;
    const steps = stepsOf({ role, listens: false, async }).filter(
      (step) => !closing.includes(step),
    );
    const step = steps[pick(2, steps.length)] as string;
    const order: Order = {
      role,
      listens: false,
      async,
      path,
      seed,
      count: Number.MAX_SAFE_INTEGER,
      progressFile: join(folder, `progress-${role}-${from + offset}`),
      mark: { step, pass: 1 + pick(3, 5), action: "kill" },
    };
    const runtime: Runtime = pick(4, 2) === 0 ? "bun" : "deno";
    return { order, program: startVictim({ order, runtime }), limit: 50 + pick(5, 200) };
  });
  for (const { program } of victims) assert.equal(await program.next(), "ready");
  for (const { program, limit } of victims) {
    program.tell();
    Striker.kill(program.pid, limit);
  }
  return victims;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + timeout;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `waited in vain for ${what}`);
    await delay(1);
  }
}
