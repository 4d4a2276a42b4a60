// The same ping-pong over whatever carries it. Bun plays, Deno returns the ball.

import { readSync, writeSync } from "node:fs";
import type { Consumer, Producer } from "zerocross";

/** One side's end of a way to carry a ball there and another one back. */
export interface Transport {
  send(ball: Uint8Array): void;
  receive(ball: Uint8Array): void;
}

export const ballSize = 32;

/** Both sides' transports, in the order in which they are numbered and shown. */
export const transportNames = ["zerocross", "pipe", "Unix socket"] as const;

export function overChannel(outgoing: Producer, incoming: Consumer): Transport {
  return {
    send(ball) {
      outgoing.sendSync(ball);
    },
    receive(ball) {
      if (incoming.receiveIntoSync(ball) !== ball.length) throw new GameOver();
    },
  };
}

/** A pipe or a socket: blocking descriptors, one system call for each direction. */
export function overDescriptors(outgoing: number, incoming: number): Transport {
  return {
    send(ball) {
      writeSync(outgoing, ball);
    },
    receive(ball) {
      if (readSync(incoming, ball, 0, ball.length, null) !== ball.length) throw new GameOver();
    },
  };
}

/**
 * Plays `rounds` round trips, fewer if the time runs out. Returns the nanoseconds that each took, from
 * one ball's departure to the next one's; the last ball, after which none departs, is not among them.
 */
export function play(transport: Transport, rounds: number, milliseconds: number): Float64Array {
  const times = new Float64Array(rounds);
  const ball = new Uint8Array(ballSize);
  const returned = new Uint8Array(ballSize);

  ball[0] = markOf(0);
  transport.send(ball);
  let sent = performance.now();
  const deadline = sent + milliseconds;
  let round = 0;
  while (round < rounds && sent < deadline) {
    transport.receive(returned);
    if (returned[0] !== markOf(round)) throw new Error(`round ${round}: another ball came back`);
    ball[0] = markOf(round + 1);
    transport.send(ball);
    // The clock is read while the ball is under way, so that reading it takes no time of its own.
    const now = performance.now();
    times[round] = (now - sent) * 1e6;
    sent = now;
    round++;
  }
  transport.receive(returned);
  ball[0] = lastMark;
  transport.send(ball);
  return times.subarray(0, round);
}

/** Returns every ball of the other side's `play`. */
export function playBack(transport: Transport): void {
  const ball = new Uint8Array(ballSize);
  transport.receive(ball);
  while (ball[0] !== lastMark) {
    transport.send(ball);
    transport.receive(ball);
  }
}

/** What tells balls apart. No line feed is among them: Deno would write its standard output in two. */
function markOf(round: number): number {
  return 0x80 | (round & 0x7f);
}

/** On the ball that is not to be returned. */
const lastMark = 0;

class GameOver extends Error {
  constructor() {
    super("the other player left in the middle of a round");
  }
}
