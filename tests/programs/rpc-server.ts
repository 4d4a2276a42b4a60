/** Answers as the types of the requests say, and reports what it hears of its clients. */
import process from "node:process";
import { type ListenOptions, type Request, RpcResponder, serve } from "../../src/index.ts";
import { answerTo, checksum, checksumStart } from "../peer/content.ts";
import { dieNow, print, programArguments } from "../support/child.ts";
import {
  asks,
  type Description,
  type RpcServerArguments,
  type ServerReport,
} from "../support/rpc-server.ts";

const { path, how, capacity, spin, typeId } = programArguments<RpcServerArguments>();
const options: ListenOptions = {
  ...(capacity !== undefined && { capacity }),
  ...(spin !== undefined && { wait: { spin: spin ?? Number.POSITIVE_INFINITY } }),
};
const kept: Uint8Array[] = [];
let release: () => void = () => {};
let closeResponder: () => void = () => {};
const released = new Promise<void>((resolve) => {
  release = resolve;
});

function number(bytes: Uint8Array): number {
  return bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function answer({ bytes, typeId, peer }: Request): Uint8Array {
  switch (typeId) {
    case asks.describe:
      return encode({ typeId, size: bytes.length, peer } satisfies Description);
    case asks.throwError:
      throw new Error(text(bytes));
    case asks.throwString:
      throw text(bytes);
    case asks.throwNothing:
      throw Object.create(null);
    case asks.returnText:
      return text(bytes) as unknown as Uint8Array;
    case asks.returnTooMuch:
      return new Uint8Array(2 ** 21);
    case asks.die:
      return dieNow();
    case asks.release:
      release();
      break;
    case asks.large:
      return new Uint8Array(number(bytes.subarray(0, 4))).fill(bytes[4] ?? 0);
    case asks.keep:
      kept.push(bytes);
      break;
    case asks.kept: {
      const sum = kept.reduce(checksum, checksumStart);
      return new Uint8Array(Uint32Array.of(kept.length, sum).buffer);
    }
    case asks.close:
      closeResponder();
  }
  return answerTo(bytes);
}

function answerMaybeLater(request: Request): Uint8Array | Promise<Uint8Array> {
  const { bytes, typeId } = request;
  if (typeId === asks.rejectLater) return Promise.reject(new Error(text(bytes)));
  if (typeId === asks.hold) return released.then(() => answerTo(bytes));
  if (typeId !== asks.later) return answer(request);
  return new Promise((resolve) => {
    setTimeout(() => resolve(answerTo(bytes)), number(bytes.subarray(0, 2)));
  });
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function described(error: unknown): Pick<ServerReport, "error"> {
  if (error === undefined) return {};
  const { name, message } = error as Error;
  return { error: { name, message } };
}

async function serveMany(): Promise<void> {
  const server = await serve({
    path,
    handler: answerMaybeLater,
    ...options,
    onOpen: ({ pid }) => print({ opened: pid } satisfies ServerReport),
    onClose: ({ pid }, error) => print({ closed: pid, ...described(error) } satisfies ServerReport),
    onError: (error) => print(described(error)),
  });
  print({ ready: true } satisfies ServerReport);
  process.stdin.once("data", async () => {
    process.stdin.destroy();
    await server.stop();
    print({ ended: true } satisfies ServerReport);
  });
}

function serveOne(): void {
  const responder =
    how === "listen"
      ? RpcResponder.listenSync(path, { timeout: 10_000, ...options })
      : RpcResponder.connectSync(path, { timeout: 10_000, wait: options.wait ?? {} });
  closeResponder = () => responder.close();
  print({ opened: responder.peer.pid } satisfies ServerReport);
  let failure: unknown;
  try {
    responder.serveSync(answer, typeId === undefined ? {} : { typeId });
  } catch (error) {
    failure = error;
  }
  responder.close();
  print({ closed: responder.peer.pid, ...described(failure) } satisfies ServerReport);
  print({ ended: true } satisfies ServerReport);
}

if (how === "serve") await serveMany();
else serveOne();
