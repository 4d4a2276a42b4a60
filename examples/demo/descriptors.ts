// Pipes and sockets that block, the rivals at their best: those that a runtime makes do not, and cost
// a round of its event loop besides.

import { dlopen } from "bun:ffi";

const libc = dlopen("libc.so.6", {
  pipe2: { args: ["buffer", "i32"], returns: "i32" },
  socketpair: { args: ["i32", "i32", "i32", "buffer"], returns: "i32" },
}).symbols;

const AF_UNIX = 1;
const SOCK_STREAM = 1;
/** O_CLOEXEC and SOCK_CLOEXEC: only the descriptors that a child is given by name reach it. */
const closeOnExec = 0o2000000;

export function makePipe(): { readEnd: number; writeEnd: number } {
  const [readEnd, writeEnd] = makePair("pipe2", (pair) => libc.pipe2(pair, closeOnExec));
  return { readEnd, writeEnd };
}

export function makeSocketPair(): [number, number] {
  return makePair("socketpair", (pair) => {
    return libc.socketpair(AF_UNIX, SOCK_STREAM | closeOnExec, 0, pair);
  });
}

function makePair(name: string, fill: (pair: Int32Array) => number): [number, number] {
  const pair = new Int32Array(2);
  if (fill(pair) < 0) throw new Error(`${name} failed: are there too many open files?`);
  return [pair[0] as number, pair[1] as number];
}
