import type { Block, FirstHalf, SecondHalf, TimedBlock } from "./mechanism.ts";
import { Bytes, Landing } from "./payload.ts";

/** A connection whose calls wait on the thread. */
export interface BlockingEnd {
  /** Before a block. */
  prepare?(size: number): void;
  send(bytes: Uint8Array): void;
  /** The size of what was received. @throws when the other side is gone. */
  receive(into: Uint8Array): number;
  close?(): void;
}

const acknowledgement = 4;

export function firstBlocking(end: BlockingEnd): FirstHalf {
  return {
    run(block) {
      end.prepare?.(block.size);
      if (block.form === "round-trip") askAll(end, block);
      else sendAll(end, block);
    },
  };
}

export function secondBlocking(end: BlockingEnd): SecondHalf {
  return {
    run(block) {
      end.prepare?.(block.size);
      if (block.form === "round-trip") answerAll(end, block);
      else takeAll(end, block);
    },
    close: () => end.close?.(),
  };
}

function askAll(end: BlockingEnd, { count, size, isWhole, laps }: TimedBlock): void {
  const payload = new Bytes(size, { isWhole });
  const landing = new Landing(new ArrayBuffer(size), size, isWhole);
  laps.start();
  for (let index = 0; index < count; index++) {
    end.send(payload.make(index));
    landing.check(end.receive(landing.bytes), index);
    laps.lap();
  }
}

function answerAll(end: BlockingEnd, { count, size, isWhole }: Block): void {
  const landing = new Landing(new ArrayBuffer(size), size, isWhole);
  for (let index = 0; index < count; index++) {
    landing.check(end.receive(landing.bytes), index);
    end.send(landing.bytes);
  }
}

function sendAll(end: BlockingEnd, { count, size, isWhole }: Block): void {
  const payload = new Bytes(size, { isWhole });
  for (let index = 0; index < count; index++) end.send(payload.make(index));
  awaitAcknowledgement(end, count);
}

function takeAll(end: BlockingEnd, { count, size, isWhole }: Block): void {
  const landing = new Landing(new ArrayBuffer(size), size, isWhole);
  for (let index = 0; index < count; index++) landing.check(end.receive(landing.bytes), index);
  acknowledge(end, count);
}

/** That all messages of a block were read and right. */
export function acknowledge(end: BlockingEnd, count: number): void {
  end.send(new Bytes(acknowledgement, { isWhole: false }).make(count));
}

export function awaitAcknowledgement(end: BlockingEnd, count: number): void {
  const landing = new Landing(new ArrayBuffer(acknowledgement), acknowledgement, false);
  landing.check(end.receive(landing.bytes), count);
}
