import { createServer, type Socket } from "node:net";
import { serve } from "zerocross";
import { answer, answerText } from "./payload.ts";
import { serveHttp } from "./runtime.ts";
import { splitter } from "./splitter.ts";

/** Starts to answer. One for each mechanism whose answering side is a process. */
export const answering: Readonly<Record<string, (path: string) => Promise<void>>> = {
  async zerocross(path) {
    await serve({ path, handler: ({ bytes }) => answer(bytes) });
  },

  async fetch(path) {
    serveHttp(path, async (request) => {
      const bytes = new Uint8Array(await request.arrayBuffer());
      return new Response(answer(bytes));
    });
  },

  net: (path) =>
    answerOnSocket(path, (socket, answers) => {
      for (const bytes of answers) socket.write(bytes);
    }),

  /** What comes together is answered with one write. */
  "net-gathered": (path) =>
    answerOnSocket(path, (socket, answers) => {
      socket.write(answers.length === 1 ? (answers[0] as Buffer) : Buffer.concat(answers));
    }),

  async "process.send"() {
    process.on("message", (text: string) => process.send?.(answerText(text)));
  },
};

async function answerOnSocket(
  path: string,
  write: (socket: Socket, answers: Buffer[]) => void,
): Promise<void> {
  const server = createServer((socket) => {
    const split = splitter();
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      const answers = split(chunk).map(answer);
      if (answers.length > 0) write(socket, answers);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
}
