// The Deno process: checks the files that it is sent, then returns every ball that is played to it.
// main.ts starts it. Its standard input and output are a socket, descriptors 3 and 4 are pipes.

import { openSync } from "node:fs";
import process from "node:process";
import { Consumer, Producer } from "zerocross";
import { checkFiles } from "./files.ts";
import { ballSize, overChannel, overDescriptors, playBack } from "./ping-pong.ts";
import { channelPaths, gameWait } from "./places.ts";

const paths = channelPaths(process.argv[2] ?? "");
// Should the other process be gone already, this one is not to wait for it for ever.
const timeout = 5000;

const pipe = overDescriptors(openSync("/dev/fd/4", "w"), openSync("/dev/fd/3", "r"));
const socket = overDescriptors(1, 0);

try {
  pipe.send(new Uint8Array(ballSize)); // "I am here."
  receive();
  returnBalls();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(`The Deno process gives up: ${reason}`);
  process.exit(1);
}

function receive(): void {
  using files = Consumer.listenSync(paths.files, { timeout });
  using verdicts = Producer.listenSync(paths.verdicts, { timeout });
  checkFiles(files, verdicts);
}

function returnBalls(): void {
  using ping = Consumer.listenSync(paths.ping, { timeout, wait: gameWait });
  using pong = Producer.listenSync(paths.pong, { timeout, wait: gameWait });
  const transports = [overChannel(pong, ping), pipe, socket];

  // A byte through the channel says what is played next.
  const next = new Uint8Array(1);
  while (ping.receiveIntoSync(next) >= 0) {
    const transport = transports[next[0] as number];
    if (transport === undefined) throw new RangeError(`there is no transport ${next[0]}`);
    playBack(transport);
  }
}
