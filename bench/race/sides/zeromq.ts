import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Dealer } from "zeromq";
import { awaited } from "./awaited.ts";
import { type EventEnd, messages } from "./events.ts";
import type { Mechanism } from "./mechanism.ts";
import { commandOf, runtimeVersion } from "./runtime.ts";

// A send is over when ZeroMQ has queued the message. It does not copy a large one, and does not tell
// when the kernel has it, so the receiver says how far it is.
const messagesMax = 1000;
const bytesMax = 8 * 1024 * 1024;

function endOf(socket: Dealer, fail: (error: unknown) => void): EventEnd<Uint8Array> {
  let sending: Promise<void> | undefined;
  const send = async (bytes: Uint8Array | "") => {
    while (sending !== undefined) await sending;
    sending = socket.send(bytes);
    await sending;
    sending = undefined;
  };
  const receive = async () => (await socket.receive())[0] as Buffer;
  // A send makes ZeroMQ look for what it was not woken up for, which happens in Deno 2.9 once in some
  // hundred thousand messages. The receiver skips an empty message.
  setInterval(() => {
    if (socket.readable && sending === undefined) void send("");
  }, lookEvery);
  return awaited({
    fail,
    underWayMax: (size) => Math.max(2, Math.min(messagesMax, Math.floor(bytesMax / size))),
    send,
    async receive() {
      let bytes = await receive();
      while (bytes.length === 0) bytes = await receive();
      return bytes;
    },
  });
}

/** Milliseconds. */
const lookEvery = 10;

/**
 * Without limits of its own a socket hears nothing but messages. What it says about its limits, once
 * in 500 messages, wakes the other side up in vain, and Deno 2.9 does not wake up again after that
 * (https://github.com/denoland/deno/issues/36317).
 */
const socketOptions = { linger: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0 };

const address = (prefix: string) => `ipc://${prefix}.sock`;

export const zeromq: Mechanism = {
  isBlocking: false,
  whyForbidden,
  async first({ prefix, startProcess, fail }) {
    const { Dealer } = await import("zeromq");
    const socket = new Dealer(socketOptions);
    await socket.bind(address(prefix));
    await startProcess();
    return messages.first(endOf(socket, fail));
  },
  async second({ prefix, hello, fail }) {
    const { Dealer } = await import("zeromq");
    const socket = new Dealer(socketOptions);
    socket.connect(address(prefix));
    await hello();
    return messages.second(endOf(socket, fail));
  },
};

/**
 * A process of its own tries it first: that of Bun 1.4 dies, for the lack of uv_poll_init_socket
 * (https://github.com/oven-sh/bun/issues/18546).
 */
async function whyForbidden(): Promise<string | undefined> {
  const script = fileURLToPath(new URL("zeromq-trial.ts", import.meta.url));
  const [program, ...args] = commandOf(script);
  const { status, signal, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, BUN_ENABLE_CRASH_REPORTING: "0", NO_COLOR: "1" },
    timeout: 5000,
    killSignal: "SIGKILL",
  });
  if (status === 0) return undefined;
  const reason = /^(?:error|panic).*$/m.exec(stderr)?.[0].replace("(main thread)", "");
  return `${runtimeVersion()} cannot run ZeroMQ: ${reason ?? `a trial ended with ${signal ?? status}`}`;
}
