import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { type EventEnd, firstOfEvents, secondOfEvents } from "./events.ts";
import type { Mechanism } from "./mechanism.ts";
import { bytesOver, linesOver } from "./streams.ts";

type Fail = (error: unknown) => void;
type Over<Value> = (readable: Readable, writable: Writable, fail: Fail) => EventEnd<Value>;
type Family = "unix" | "tcp";

const host = "127.0.0.1";

/** The second side listens. */
function net<Value>(family: Family, over: Over<Value>): Mechanism {
  const connected = (socket: Socket, fail: Fail) => {
    socket.setNoDelay(true);
    socket.on("error", fail);
    return over(socket, socket, fail);
  };
  return {
    isBlocking: false,
    async first({ startProcess, fail }) {
      const { address } = await startProcess();
      const socket =
        family === "unix"
          ? createConnection(address as string)
          : createConnection(address as number, host);
      await once(socket, "connect");
      return firstOfEvents(connected(socket, fail));
    },
    async second({ prefix, hello, fail }) {
      const server = createServer();
      const path = `${prefix}.sock`;
      if (family === "unix") server.listen(path);
      else server.listen(0, host);
      await once(server, "listening");
      const connection = once(server, "connection");
      await hello(family === "unix" ? path : (server.address() as AddressInfo).port);
      const [socket] = (await connection) as [Socket];
      return secondOfEvents(connected(socket, fail));
    },
  };
}

export const netUnix: Mechanism = net("unix", bytesOver);
export const netTcp: Mechanism = net("tcp", bytesOver);
export const netUnixJson: Mechanism = net("unix", linesOver);
export const netTcpJson: Mechanism = net("tcp", linesOver);
