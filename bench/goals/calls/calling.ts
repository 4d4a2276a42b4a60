import { once } from "node:events";
import { createConnection } from "node:net";
import { type Message, RpcClient } from "zerocross";
import { checkAnswer, checkAnswerText, request, requestText } from "./payload.ts";
import { overSocket } from "./runtime.ts";
import { splitter } from "./splitter.ts";
import { startServer } from "./start-server.ts";

/** The calling side of a mechanism, connected. */
export interface Caller {
  /** Resolves with what request `index` was answered. */
  ask(index: number): Promise<unknown>;
  /** @throws when that is wrong. */
  check(answer: unknown, index: number): void;
  close(): void;
}

/** Requests that are answered in their order. */
class Line {
  readonly #waiting: ((answer: unknown) => void)[] = [];

  wait(): Promise<unknown> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  answered(answer: unknown): void {
    const first = this.#waiting.shift();
    if (first === undefined) throw new Error("an answer that nobody asked for");
    first(answer);
  }
}

const checkBytes = (answer: unknown, index: number) => checkAnswer(answer as Uint8Array, index);

/** Each starts its answering process, or worker, and connects to it. */
export const calling: Readonly<Record<string, (path: string) => Promise<Caller>>> = {
  async zerocross(path) {
    const server = await startServer("zerocross", path);
    const client = await RpcClient.connect(path, { timeout: 20_000 });
    return {
      ask: (index) => client.call(request(index)),
      check: (answer, index) => checkAnswer((answer as Message).bytes, index),
      close() {
        client.close();
        server.kill("SIGKILL");
      },
    };
  },

  async fetch(path) {
    const server = await startServer("fetch", path);
    const over = overSocket(path);
    return {
      async ask(index) {
        const body = request(index).slice();
        const response = await fetch("http://localhost/", { ...over, method: "POST", body });
        return new Uint8Array(await response.arrayBuffer());
      },
      check: checkBytes,
      close: () => void server.kill("SIGKILL"),
    };
  },

  net: (path) => callOverSocket("net", path, (write) => write),

  /** What is asked in one turn goes with one write, which a client has to see to by itself. */
  "net-gathered": (path) => callOverSocket("net-gathered", path, gathered),

  async "process.send"(path) {
    const server = await startServer("process.send", path);
    const line = new Line();
    server.on("message", (text) => line.answered(text));
    return {
      ask(index) {
        server.send(requestText(index));
        return line.wait();
      },
      check: checkAnswerText,
      close: () => void server.kill("SIGKILL"),
    };
  },

  async postMessage() {
    const worker = new Worker(new URL("worker.ts", import.meta.url), { type: "module" });
    const line = new Line();
    worker.onmessage = ({ data }) => line.answered(data);
    return {
      ask(index) {
        worker.postMessage(requestText(index));
        return line.wait();
      },
      check: checkAnswerText,
      close: () => void worker.terminate(),
    };
  },
};

type Write = (bytes: Uint8Array) => void;

async function callOverSocket(
  mechanism: string,
  path: string,
  wrap: (write: Write) => Write,
): Promise<Caller> {
  const server = await startServer(mechanism, path);
  const socket = createConnection(path);
  await once(socket, "connect");
  const line = new Line();
  const split = splitter();
  const write = wrap((bytes) => void socket.write(bytes));
  socket.on("data", (chunk: Buffer) => {
    for (const bytes of split(chunk)) line.answered(bytes);
  });
  return {
    ask(index) {
      write(request(index).slice());
      return line.wait();
    },
    check: checkBytes,
    close() {
      socket.destroy();
      server.kill("SIGKILL");
    },
  };
}

function gathered(write: Write): Write {
  let unsent: Uint8Array[] = [];
  const flush = () => {
    write(unsent.length === 1 ? (unsent[0] as Uint8Array) : Buffer.concat(unsent));
    unsent = [];
  };
  return (bytes) => {
    if (unsent.length === 0) queueMicrotask(flush);
    unsent.push(bytes);
  };
}
