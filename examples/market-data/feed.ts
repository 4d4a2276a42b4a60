// The feed that main.ts starts: trades at random prices, as fast as the reader takes them.

import process from "node:process";
import { PeerClosedError, Producer } from "zerocross";
import { field, messageType, symbols, Tally, tickSize } from "./tick.ts";

const [path = "", seconds = "0"] = process.argv.slice(2);

/** As many ticks as are written and sent at a time. */
const blockLength = 256;
const block = new Uint8Array(blockLength * tickSize);
const memory = new DataView(block.buffer);
const sizes = new Uint32Array(blockLength).fill(tickSize);

const tallies = symbols.map(() => new Tally());

// Ctrl-C reaches every process of the terminal; this one ends when the reader closes the channel.
process.on("SIGINT", () => {});

try {
  using producer = Producer.connectSync(path);
  const end = performance.now() + Number(seconds) * 1000;
  for (let sequence = 0; performance.now() < end; sequence += blockLength) {
    fillBlock(sequence);
    sendBlock(producer);
  }
  producer.sendSync(new TextEncoder().encode(JSON.stringify(tallies)), messageType.tallies);
} catch (error) {
  if (!(error instanceof PeerClosedError)) throw error;
}

function fillBlock(firstSequence: number): void {
  const time = Date.now();
  for (let i = 0; i < blockLength; i++) {
    const symbol = Math.floor(Math.random() * symbols.length);
    const tally = tallies[symbol] as Tally;
    const price = nextPrice(tally.lastPrice);
    const quantity = 1 + Math.floor(Math.random() * 100);
    const at = i * tickSize;
    memory.setFloat64(at + field.sequence, firstSequence + i, true);
    memory.setFloat64(at + field.time, time, true);
    memory.setFloat64(at + field.price, price, true);
    memory.setUint32(at + field.quantity, quantity, true);
    memory.setUint32(at + field.symbol, symbol, true);
    tally.add(time, price, quantity);
  }
}

/** A quarter point up, a quarter point down, or the same again. */
function nextPrice(price: number): number {
  const step = (Math.floor(Math.random() * 3) - 1) / 4;
  return Math.max(1, price + step);
}

/** Sends the whole block. Where the ring is full, one tick waits for the reader, and the rest follows. */
function sendBlock(producer: Producer): void {
  let sent = producer.trySendMany(block, sizes, messageType.tick);
  while (sent < blockLength) {
    producer.sendSync(ticksFrom(sent).subarray(0, tickSize), messageType.tick);
    sent += 1;
    sent += producer.trySendMany(ticksFrom(sent), sizes.subarray(sent), messageType.tick);
  }
}

function ticksFrom(index: number): Uint8Array {
  return block.subarray(index * tickSize);
}
