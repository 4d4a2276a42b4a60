/** Calls a server as it is told, and says how many of its calls were answered with what they had to be. */
import { RpcClient } from "../../src/index.ts";
import { answerTo, messageAt, sizeAt } from "../peer/content.ts";
import { dieNow, print, programArguments } from "../support/child.ts";

export interface RpcCallerArguments {
  readonly path: string;
  /** Calls, without end when it is left out. */
  readonly count?: number;
  /** Calls under way at once; 0: one after the other, each of them blocking. */
  readonly inFlight?: number;
  readonly seed?: number;
  readonly sizeMax?: number;
  /** Of the requests. */
  readonly typeId?: number;
  /** Listens, for a `serveSync` that connects. */
  readonly listens?: boolean;
  /** Reports every answered call as its number. */
  readonly counts?: boolean;
  /** What it does at its end; `leave` does not close. Default: it closes. */
  readonly end?: "close" | "die" | "leave";
}

const args = programArguments<RpcCallerArguments>();
const { path, count = Number.POSITIVE_INFINITY, inFlight = 1, seed = 1, sizeMax = 32 } = args;
const options = { timeout: 20_000, typeId: args.typeId ?? 0 };
const client = args.listens
  ? RpcClient.listenSync(path, { timeout: 10_000 })
  : RpcClient.connectSync(path, { timeout: 10_000 });
let asked = 0;
let answered = 0;

function check(index: number, request: Uint8Array, reply: Uint8Array): void {
  if (Buffer.compare(reply, answerTo(request)) !== 0)
    throw new Error(`call ${index} got another's`);
  answered += 1;
  if (args.counts) print(answered);
}

function nextRequest(): [index: number, request: Uint8Array] {
  const index = asked++;
  return [index, messageAt(seed, index, sizeAt(seed, index, 0, sizeMax))];
}

async function callOnAndOn(): Promise<void> {
  while (asked < count) {
    const [index, request] = nextRequest();
    const { bytes } = await client.call(request, options);
    check(index, request, bytes);
  }
}

if (inFlight === 0) {
  while (asked < count) {
    const [index, request] = nextRequest();
    check(index, request, client.callSync(request, options).bytes);
  }
} else {
  await Promise.all(Array.from({ length: inFlight }, callOnAndOn));
}
if (!args.counts) print({ answered });
if (args.end === "die") dieNow();
if (args.end !== "leave") client.close();
