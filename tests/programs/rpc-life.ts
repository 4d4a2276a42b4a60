/** Does what it is told, closes nothing, and should end by itself or not. Prints what came of each step. */
import { RpcClient, type Server, serve } from "../../src/index.ts";
import { print, programArguments } from "../support/child.ts";
import { asks } from "../support/rpc-server.ts";

export interface RpcLifeArguments {
  readonly path: string;
  readonly what: keyof typeof lives;
}

const { path, what } = programArguments<RpcLifeArguments>();
const bytes = Uint8Array.of(1, 0);
const hold = { typeId: asks.hold };
const later = { typeId: asks.later };
const echo = ({ bytes }: { bytes: Uint8Array }) => bytes;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Long enough for the event loop to have handed its waiting over to another thread. */
const untilAsleep = () => pause(20);

async function stopWhen(server: Server, isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(1);
  await server.stop();
}

const lives = {
  /** A client that never called. */
  idle: async () => void (await RpcClient.connect(path)),
  idleSync: async () => void RpcClient.connectSync(path),
  /** One whose calls are all over. */
  called: async () => {
    const client = await RpcClient.connect(path);
    await Promise.all([client.call(bytes, later), client.call(bytes)]);
    await client.call(Uint8Array.of(60, 0), later);
    client.callSync(bytes);
  },
  /** One whose last call ended by its timeout, while its reply is still to come. */
  timedOut: async () => {
    const client = await RpcClient.connect(path);
    await client.call(bytes, { ...hold, timeout: 30 }).catch(() => {});
  },
  aborted: async () => {
    const client = await RpcClient.connect(path);
    const controller = new AbortController();
    const call = client.call(bytes, { ...hold, signal: controller.signal });
    await untilAsleep();
    controller.abort();
    await call.catch(() => {});
  },
  /** One whose last reply was taken by a call that blocked. */
  deliveredSync: async () => {
    const client = await RpcClient.connect(path);
    const call = client.call(bytes, hold);
    await untilAsleep();
    client.callSync(bytes, { typeId: asks.release });
    client.callSync(Uint8Array.of(20, 0), later);
    await call;
  },
  closed: async () => {
    const client = await RpcClient.connect(path);
    const call = client.call(bytes, hold);
    await untilAsleep();
    client.close();
    await call.catch(() => {});
  },
  /** The server dies or closes under it. */
  bereft: async () => {
    const client = await RpcClient.connect(path);
    await client.call(bytes, { typeId: asks.die }).catch(() => {});
  },
  /** A call is under way, which is all that it waits for. */
  pending: async () => {
    const client = await RpcClient.connect(path);
    void client.call(Uint8Array.of(200, 0), later).then(() => print({ replied: true }));
  },
  served: async () => {
    const server = await serve({ path, handler: echo });
    const client = await RpcClient.connect(path);
    await client.call(bytes);
    await server.stop();
  },
  /** It is stopped by a client of its own, from within the handler. */
  servedUntilAsked: async () => {
    const server = await serve({
      path,
      handler: () => {
        void server.stop();
        return bytes;
      },
    });
    await (await RpcClient.connect(path)).call(bytes);
  },
  servedUntilLeft: async () => {
    let left = 0;
    const server = await serve({ path, handler: echo, onClose: () => left++ });
    const client = await RpcClient.connect(path);
    await client.call(bytes);
    client.close();
    await stopWhen(server, () => left === 1);
  },
  servedNobody: async () => await (await serve({ path, handler: echo })).stop(),
  /** It ends only when the test stops it. */
  serving: async () => void (await serve({ path, handler: echo })),
} satisfies Record<string, () => Promise<void>>;

await lives[what]();
print({ done: what });
