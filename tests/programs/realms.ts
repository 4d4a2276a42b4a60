/** Imports the bundle again and again, each time waiting for something with what it imported. */
import process from "node:process";
import { pathToFileURL } from "node:url";
import { print, programArguments } from "../support/child.ts";

const { file, count } = programArguments<{ file: string; count: number }>();

type Bundle = typeof import("../../src/index.ts");
const importAgain = (n: number): Promise<Bundle> => import(`${pathToFileURL(file)}?n=${n}`);

async function waitOnce({ Consumer, Producer, serve, RpcClient }: Bundle, n: number) {
  const listening = Consumer.listen(`@zerocross-realm-${process.pid}-${n}`, { capacity: 4096 });
  const producer = await Producer.connect(`@zerocross-realm-${process.pid}-${n}`);
  const consumer = await listening;
  const receiving = consumer.receive();
  const server = await serve({
    path: `@zerocross-realm-rpc-${process.pid}-${n}`,
    capacity: 4096,
    handler: ({ bytes }) => bytes,
  });
  const client = await RpcClient.connect(server.path);
  const { bytes } = await client.call(Uint8Array.of(n % 256));
  producer.trySend(bytes);
  const message = await receiving;
  if (message?.bytes[0] !== n % 256) throw new Error(`${n}: ${message?.bytes}`);
  for (const end of [client, producer, consumer]) end.close();
  await server.stop();
}

for (let n = 0; n < count; n++) await waitOnce(await importAgain(n), n);
print(count);
