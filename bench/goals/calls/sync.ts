// One side of callSync and serveSync: `sync.ts <client|responder> <address> <core>`. The client runs
// a block of so many calls for each number that it reads, and answers the nanoseconds that it took.

import { createInterface } from "node:readline";
import { RpcClient, RpcResponder } from "zerocross";
import { pinThread } from "../../pin.ts";
import { answer, payloadSize } from "./payload.ts";

const [position = "", address = "", core = ""] = process.argv.slice(2);
pinThread(Number(core));

const wait = { spin: Infinity };

function respond(): void {
  using responder = RpcResponder.listenSync(address, { wait, timeout: 20_000 });
  responder.serveSync(({ bytes }) => answer(bytes));
}

async function callInBlocks(): Promise<void> {
  using client = RpcClient.connectSync(address, { wait, timeout: 20_000 });
  for await (const line of createInterface({ input: process.stdin })) {
    const count = Number(line);
    // That the responder goes on is not measured.
    callMany(client, 1);
    const start = performance.now();
    callMany(client, count);
    console.log(Math.round((performance.now() - start) * 1e6));
  }
}

const words = new Uint32Array(payloadSize / 4);
const request = new Uint8Array(words.buffer);

/** As in the bare ring's round trip, the number is what is compared, and the byte that the handler set. */
function callMany(client: RpcClient, count: number): void {
  const last = payloadSize - 1;
  for (let index = 0; index < count; index++) {
    words[0] = index;
    const { bytes } = client.callSync(request);
    if (
      bytes.length !== payloadSize ||
      bytes[0] !== request[0] ||
      bytes[1] !== request[1] ||
      bytes[2] !== request[2] ||
      bytes[3] !== request[3] ||
      bytes[last] !== 255
    ) {
      throw new Error(`the answer to request ${index} is ${bytes.join(" ")}`);
    }
  }
}

if (position === "responder") respond();
else await callInBlocks();
