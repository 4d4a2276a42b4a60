import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Block } from "./mechanism.ts";
import type { Usage } from "./usage.ts";

/** What the second side says. The first one says what the next block is. */
export interface News {
  /** Where it listens, if the first side has to know. */
  readonly hello?: unknown;
  readonly isPinned?: boolean;
  /** It takes part in the block from now on. */
  readonly isReady?: true;
  /** Its part of the block is over. */
  readonly done?: Usage;
  readonly error?: string;
}

/** Lines of JSON between the two sides, beside the mechanism. */
export class Control {
  readonly #socket: Socket;
  /** Resolves when the other side is gone. */
  readonly ended: Promise<void>;

  constructor(socket: Socket, hear: (message: unknown) => void) {
    this.#socket = socket;
    socket.on("error", () => {});
    this.ended = new Promise((resolve) => socket.once("close", () => resolve()));
    createInterface({ input: socket }).on("line", (line) => hear(JSON.parse(line)));
  }

  /** Resolves when the kernel has it. */
  tell(message: Block | News): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(`${JSON.stringify(message)}\n`, () => resolve());
    });
  }
}

/** What came and was not taken yet. */
export class Mailbox<Message> {
  readonly #messages: Message[] = [];
  #wake: (() => void) | undefined;

  put(message: Message): void {
    this.#messages.push(message);
    this.#wake?.();
  }

  async take(): Promise<Message> {
    while (this.#messages.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#messages.shift() as Message;
  }
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function controlPath(prefix: string): string {
  return `${prefix}.control`;
}

export async function listenForControl(prefix: string): Promise<Server> {
  const server = createServer();
  server.listen(controlPath(prefix));
  await once(server, "listening");
  return server;
}

export async function connectToControl(prefix: string): Promise<Socket> {
  const socket = createConnection(controlPath(prefix));
  await once(socket, "connect");
  return socket;
}
