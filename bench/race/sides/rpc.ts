import { RpcClient, RpcResponder, serve } from "zerocross";
import { Answering, type Caller, firstOfCalls } from "./calls.ts";
import type { Mechanism, TimedBlock } from "./mechanism.ts";
import { Bytes } from "./payload.ts";
import { capacity, meetingMax } from "./rings.ts";

const timeout = meetingMax;

const calling = (underWay?: number): Mechanism => ({
  isBlocking: false,
  async first({ startProcess }) {
    const { address } = await startProcess();
    const client = await RpcClient.connect(address as string, { timeout });
    const caller: Caller<Uint8Array> = {
      payload: (size, options) => new Bytes(size, options),
      call: async (bytes) => (await client.call(bytes)).bytes,
    };
    return firstOfCalls(caller, underWay);
  },
  async second({ prefix, hello, fail }) {
    const answering = new Answering();
    const path = `${prefix}.sock`;
    await serve({ path, capacity, handler: ({ bytes }) => answering.take(bytes), onError: fail });
    await hello(path);
    return answering;
  },
});

export const rpc: Mechanism = calling();
export const rpcOne: Mechanism = calling(1);

function callAll(client: RpcClient, { count, size, isWhole, laps }: TimedBlock): void {
  const payload = new Bytes(size, { isWhole });
  laps.start();
  for (let index = 0; index < count; index++) {
    payload.check(client.callSync(payload.make(index)).bytes, index);
    laps.lap();
  }
}

/** A connection is made for each block, since a responder answers until its client closes. */
export const rpcSync: Mechanism = {
  isBlocking: true,
  async first({ prefix, startProcess }) {
    await startProcess();
    let client: RpcClient;
    return {
      prepare() {
        client = RpcClient.connectSync(`${prefix}.sock`, { timeout });
      },
      run: (block) => callAll(client, block),
      finish: () => client.close(),
    };
  },
  async second({ prefix, hello }) {
    await hello();
    return {
      run(block) {
        const answering = new Answering();
        void answering.run(block);
        const options = { capacity: capacityFor(block.size), timeout };
        using responder = RpcResponder.listenSync(`${prefix}.sock`, options);
        responder.serveSync(({ bytes }) => answering.take(bytes));
      },
    };
  },
};

/** No more than needed: its pages are made for each block. */
function capacityFor(size: number): number {
  return Math.max(64 * 1024, 2 ** Math.ceil(Math.log2(4 * size)));
}
