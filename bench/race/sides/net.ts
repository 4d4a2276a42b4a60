import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { calls, callsOf, type EventEnd, messages, type Style } from "./events.ts";
import type { Mechanism } from "./mechanism.ts";
import { hostname } from "./runtime.ts";
import { bytesOver, gathered, linesOver } from "./streams.ts";

type Fail = (error: unknown) => void;
type Over<Value> = (readable: Readable, writable: Writable, fail: Fail) => EventEnd<Value>;
type Family = "unix" | "tcp";

/** The second side listens. */
function net<Value>(family: Family, over: Over<Value>, style: Style): Mechanism {
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
          : createConnection(address as number, hostname);
      await once(socket, "connect");
      return style.first(connected(socket, fail));
    },
    async second({ prefix, hello, fail }) {
      const server = createServer();
      const path = `${prefix}.sock`;
      if (family === "unix") server.listen(path);
      else server.listen(0, hostname);
      await once(server, "listening");
      const connection = once(server, "connection");
      await hello(family === "unix" ? path : (server.address() as AddressInfo).port);
      const [socket] = (await connection) as [Socket];
      return style.second(connected(socket, fail));
    },
  };
}

export const netUnix: Mechanism = net("unix", bytesOver, messages);
export const netTcp: Mechanism = net("tcp", bytesOver, messages);
export const netUnixJson: Mechanism = net("unix", linesOver, messages);
export const netTcpJson: Mechanism = net("tcp", linesOver, messages);
export const netUnixCalls: Mechanism = net("unix", bytesOver, calls);
export const netUnixOne: Mechanism = net("unix", bytesOver, callsOf(1));
export const netUnixGathered: Mechanism = net("unix", (...of) => gathered(bytesOver(...of)), calls);
