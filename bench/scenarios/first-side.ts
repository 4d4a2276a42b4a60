// `first-side.ts <sends|receives> <zerocross|net> <path>`. For each number that it reads, the one side
// sends so many messages with pauses before each, and the other answers how long each was under way.
// A message holds its number and when it was sent, on a clock that both sides share.

import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { Consumer, Producer } from "zerocross";
import { sharedClockUs } from "../libc.ts";
import { answerLines, sleep } from "../lines.ts";

const [position = "", mechanism = "", path = ""] = process.argv.slice(2);
const pauseMs = 20;
const size = 32;
const timeout = 20_000;

async function openSender(): Promise<(bytes: Uint8Array) => void> {
  if (mechanism === "net") {
    const socket = await connectSocket();
    return (bytes) => void socket.write(bytes);
  }
  const producer = await Producer.connect(path, { timeout });
  return (bytes) => {
    if (!producer.trySend(bytes)) throw new Error("the ring is full");
  };
}

/** The receiver may not listen yet. */
async function connectSocket(): Promise<Socket> {
  for (let attempt = 0; ; attempt++) {
    const socket = createConnection(path);
    try {
      await once(socket, "connect");
      return socket;
    } catch (error) {
      if (attempt === 1000) throw error;
      await sleep(10);
    }
  }
}

async function openReceiver(): Promise<() => Promise<Uint8Array>> {
  if (mechanism === "zerocross") {
    const consumer = await Consumer.listen(path, { timeout });
    return async () => {
      const message = await consumer.receive();
      if (message === null) throw new Error("the sender has closed");
      return message.bytes;
    };
  }
  let resolve = (_bytes: Uint8Array): void => {};
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => resolve(bytes));
  });
  await new Promise<void>((listening) => server.listen(path, listening));
  return () =>
    new Promise((taken) => {
      resolve = taken;
    });
}

const bytes = new Uint8Array(size);
const view = new DataView(bytes.buffer);

async function sendMany(send: (bytes: Uint8Array) => void, count: number): Promise<number> {
  for (let index = 0; index < count; index++) {
    await sleep(pauseMs);
    view.setFloat64(0, index);
    view.setFloat64(8, sharedClockUs());
    // A message that waits in the socket would share its memory with the next one.
    send(bytes.slice());
  }
  return count;
}

async function receiveMany(receive: () => Promise<Uint8Array>, count: number): Promise<number[]> {
  const delays: number[] = [];
  for (let index = 0; index < count; index++) {
    const { buffer, byteOffset, length } = await receive();
    const now = sharedClockUs();
    const content = new DataView(buffer, byteOffset, length);
    if (length !== size || content.getFloat64(0) !== index) {
      throw new Error(`message ${index} arrived with other bytes than were sent`);
    }
    delays.push(now - content.getFloat64(8));
  }
  return delays;
}

if (position === "sends") {
  const send = await openSender();
  await answerLines((line) => sendMany(send, Number(line)));
} else {
  const receive = await openReceiver();
  await answerLines((line) => receiveMany(receive, Number(line)));
}
