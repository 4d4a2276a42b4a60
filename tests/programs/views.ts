/** Keeps and drops what lies in shared memory, with the garbage collector's help, and says what happened. */
import { Consumer as PeerConsumer } from "../peer/consumer.ts";
import { messageAt } from "../peer/content.ts";
import { print, programArguments } from "../support/child.ts";
import { openChannel, TestArena } from "../support/in-thread.ts";
import { addressSpace, channelMappings, channelMappingsLeft } from "../support/memory.ts";

const runtime = globalThis as unknown as { Bun?: { gc(now: boolean): void }; gc?: () => void };

function collectGarbage(): void {
  if (runtime.Bun) runtime.Bun.gc(true);
  else runtime.gc?.();
}

/** In which the runtime tells what was collected. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}

/** Collects until `condition` holds: who learns of what was collected is told between two turns. */
async function collectUntil(condition: () => boolean): Promise<boolean> {
  for (let round = 0; round < 100 && !condition(); round++) {
    collectGarbage();
    await turn();
  }
  return condition();
}

const areZeros = (views: Uint8Array[]) => views.every((view) => view.every((byte) => byte === 0));

/** A full ring's messages, drained and released, and a slot that is still open. */
function openWithViews() {
  const channel = openChannel();
  while (channel.producer.trySend(messageAt(1, 0, 100)));
  const batch = channel.consumer.tryDrain();
  const received = [...(batch ?? [])].map(({ bytes }) => bytes);
  batch?.release();
  const slot = channel.producer.tryClaim(100)?.bytes as Uint8Array;
  return { ...channel, received, slot };
}

async function keepPastRelease() {
  const { received, slot } = openWithViews();
  slot.fill(0xee);
  collectGarbage();
  const changed = received.some((view) => Buffer.compare(view, messageAt(1, 0, 100)) !== 0);
  return { count: received.length, changed };
}

async function keepPastClose() {
  const { arena, producer, consumer, received, slot } = openWithViews();
  const published = arena.ring.slice();
  producer.close();
  consumer.close();
  const mappings = channelMappings().length;
  collectGarbage();
  const zeros = areZeros([...received, slot]);
  for (const view of [...received, slot]) view.fill(0xee);
  const reachedPeer = Buffer.compare(arena.ring, published) !== 0;
  return { mappings, zeros, reachedPeer };
}

async function transfer() {
  const channel = openChannel();
  channel.producer.trySend(new Uint8Array(50).fill(1));
  const batch = channel.consumer.tryDrain();
  if (!batch) throw new Error("nothing was there");
  const moved = new Uint8Array((batch.memory.buffer as ArrayBuffer).transfer());
  const before = moved[768 + 64];
  channel.consumer.close();
  channel.producer.close();
  collectGarbage();
  await turn();
  return { before, zeros: areZeros([moved]) };
}

/** Whether `moved` sees, or changes, any of the channels that are opened from now on. */
async function isCutOff(moved: Uint8Array) {
  for (let i = 0; i < 20; i++) {
    collectGarbage();
    await turn();
    using channel = openChannel();
    channel.producer.trySend(new Uint8Array(50).fill(1));
    channel.consumer.tryDrain()?.release();
    channel.producer.tryClaim(8)?.rollback();
    if (!areZeros([moved])) return false;
    moved.fill(0xee);
    const reached = channel.arena.ring.some((byte) => byte === 0xee);
    moved.fill(0);
    if (reached) return false;
  }
  return true;
}

async function transferAndClose() {
  const channel = openChannel();
  channel.producer.trySend(new Uint8Array(50).fill(1));
  const batch = channel.consumer.tryDrain();
  const slot = channel.producer.tryClaim(8);
  if (!batch || !slot) throw new Error("nothing was there");
  const moved = new Uint8Array((batch.memory.buffer as ArrayBuffer).transfer());
  const movedSlot = new Uint8Array((slot.bytes.buffer as ArrayBuffer).transfer());
  channel.consumer.close();
  channel.producer.close();
  return { cutOff: [await isCutOff(moved), await isCutOff(movedSlot)] };
}

/** Nothing but the storage is left of its buffer. */
function transferAndForget(memory: TestArena): Uint8Array {
  const view = openAndDrop(memory, "consumer");
  return new Uint8Array((view.buffer as ArrayBuffer).transfer());
}

async function transferAndDrop() {
  const memory = new TestArena();
  const moved = transferAndForget(memory);
  const closed = await collectUntil(() => memory.arena.state === 3);
  return { closed, cutOff: await isCutOff(moved) };
}

async function giveBack() {
  const count = 64;
  const capacity = 4 * 2 ** 20;
  const size = count * capacity;
  const views: DataView[] = [];
  const openAndClose = () => {
    for (let i = 0; i < count; i++) {
      using channel = openChannel({ capacity });
      channel.producer.trySend(new Uint8Array(1));
      const batch = channel.consumer.tryDrain();
      if (batch) views.push(batch.memory);
    }
  };
  const before = addressSpace();
  openAndClose();
  collectGarbage();
  const kept = addressSpace() - before >= size;
  const mappings = (await channelMappingsLeft()).length;
  views.length = 0;
  collectGarbage();
  await turn();
  openAndClose();
  // The collector's own space comes and goes as well.
  const reused = addressSpace() - before < 1.5 * size;
  return { kept, mappings, reused };
}

/** The end lives in here only, so that it is garbage afterwards. */
function openAndDrop(memory: TestArena, end: "producer" | "consumer"): Uint8Array {
  if (end === "producer") {
    return memory.droppedProducer().tryClaim(8)?.bytes as Uint8Array;
  }
  const { arena } = memory;
  arena.ring.set(messageAt(1, 0, 64), 64);
  arena.view.setUint32(768, 8, true);
  arena.view.setUint32(776, 128, true);
  arena.head = 128n;
  return memory.droppedConsumer().tryDrain()?.bytes(0) as Uint8Array;
}

async function drop(end: "producer" | "consumer") {
  const memory = new TestArena();
  const view = openAndDrop(memory, end);
  const closed = await collectUntil(() => memory.arena.state === 3);
  const peerSaysClosed = closed && new PeerConsumer(memory.arena).arena.state === 3;
  return { closed: peerSaysClosed, zeros: areZeros([view]), mappings: channelMappings().length };
}

/** As many closed channels as there can be whose memory a view still holds. */
async function tooMany() {
  const views: DataView[] = [];
  let code = "";
  while (code === "" && views.length < 10_000) {
    try {
      using channel = openChannel();
      channel.producer.trySend(new Uint8Array(1));
      const batch = channel.consumer.tryDrain();
      if (batch) views.push(batch.memory);
    } catch (error) {
      code = (error as { code: string }).code;
    }
  }
  const held = views.length;
  views.length = 0;
  const opens = () => {
    try {
      openChannel()[Symbol.dispose]();
      return true;
    } catch {
      return false;
    }
  };
  return { code, held, opensAgain: await collectUntil(opens) };
}

const scenes: Record<string, () => Promise<object>> = {
  keepPastRelease,
  keepPastClose,
  transfer,
  transferAndClose,
  transferAndDrop,
  giveBack,
  dropProducer: () => drop("producer"),
  dropConsumer: () => drop("consumer"),
  tooMany,
};
const { scene } = programArguments<{ scene: string }>();
print(await scenes[scene]?.());
