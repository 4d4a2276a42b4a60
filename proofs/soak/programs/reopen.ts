/** A channel that is closed and opened again, by either side and in every way, over and over. */
import { setTimeout as delay } from "node:timers/promises";
import { Consumer, PeerClosedError, Producer } from "../../../src/index.ts";
import { pause } from "../../../tests/support/child.ts";
import { Content, MismatchError } from "../content.ts";
import { Member, patience } from "../member.ts";

const member = new Member();
const content = new Content(member.seed, 0, 500);
const capacity = 16384;

/** What both sides know of a generation, from its number. */
function generationOf(number: number) {
  return {
    producerCloses: (number & 1) === 0,
    producerListens: (number & 2) === 0,
    waitsOnThread: (number & 4) === 0,
    messages: 1 + (number % 100),
  };
}

/** Generations until all ways were taken once. */
const ways = 8;
/** The type of a message of the last generation, instead of its number. */
const lastType = 2 ** 31;

type Generation = ReturnType<typeof generationOf>;
type End = typeof Producer | typeof Consumer;

/**
 * Generations that follow each other meet at different paths: who connects at once again would come
 * to the listener before, which has taken its one connector.
 */
function open(kind: End, number: number, listens: boolean, waitsOnThread: boolean) {
  const path = member.path(`${member.load}-${number % ways}`);
  const options = { ...patience, ...(listens && { capacity }) };
  if (waitsOnThread)
    return listens ? kind.listenSync(path, options) : kind.connectSync(path, options);
  return listens ? kind.listen(path, options) : kind.connect(path, options);
}

/** Both sides hold before the same generation, so that neither waits for the other meanwhile. */
async function whileHeld(number: number): Promise<void> {
  for (; number % ways === 0 && member.isHeld(); await delay(10)) member.goesOn();
}

async function produce(): Promise<void> {
  for (let number = 0, goesOn = true; goesOn; number++) {
    await whileHeld(number);
    goesOn = member.goesOn() || number % ways !== 0;
    const generation = generationOf(number);
    const { producerListens, waitsOnThread } = generation;
    using producer = (await open(Producer, number, producerListens, waitsOnThread)) as Producer;
    await sendAll(producer, generation, goesOn ? 0 : lastType);
    member.connections += 1;
    pause(10);
  }
}

async function sendAll(producer: Producer, generation: Generation, last: number): Promise<void> {
  const { producerCloses, waitsOnThread, messages } = generation;
  const send = waitsOnThread
    ? (number: number) => producer.sendSync(content.message(number), number + last, patience)
    : (number: number) => producer.send(content.message(number), number + last, patience);
  if (producerCloses) {
    for (let number = 0; number < messages; number++, member.sent++) await send(number);
    return;
  }
  try {
    for (let number = 0; ; number++, member.sent++) await send(number);
  } catch (error) {
    if (!(error instanceof PeerClosedError)) throw error;
  }
}

async function consume(): Promise<void> {
  for (let number = 0, goesOn = true; goesOn; number++) {
    await whileHeld(number);
    const generation = generationOf(number);
    const { producerListens, waitsOnThread } = generation;
    using consumer = (await open(Consumer, number, !producerListens, waitsOnThread)) as Consumer;
    goesOn = !(await receiveAll(consumer, generation));
    member.connections += 1;
    member.goesOn();
  }
}

/** Answers whether this generation was the last. */
async function receiveAll(consumer: Consumer, generation: Generation): Promise<boolean> {
  const { producerCloses, waitsOnThread, messages } = generation;
  const receive = () =>
    waitsOnThread ? consumer.receiveSync(patience) : consumer.receive(patience);
  let last = 0;
  for (let number = 0; number < messages; number++) {
    const message = await receive();
    if (message === null) throw new MismatchError(number, "the end; the count", messages, number);
    if (number === 0) last = message.typeId;
    content.check(number, message.bytes, message.typeId - last);
    member.messages += 1;
  }
  if (producerCloses && (await receive()) !== null) {
    throw new MismatchError(messages, "the count", messages, messages + 1);
  }
  return last === lastType;
}

await (member.role === "producer" ? produce() : consume());
member.report();
