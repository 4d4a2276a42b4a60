/** What the documentation lets a call answer: which arguments are wrong, and which errors are explained. */
import {
  ClosedError,
  CorruptError,
  PeerClosedError,
  RpcError,
  SystemError,
  UnauthorizedError,
  WireError,
  ZerocrossError,
} from "../../src/index.ts";
import { thrown, type Value } from "./values.ts";

/** `either`: it may be refused or taken, as long as nothing but its true bytes are touched. */
export type Judgement = "right" | "wrong" | "either";

const { prototype: typedArray } = Object.getPrototypeOf(Uint8Array) as { prototype: object };
const tagOf = Object.getOwnPropertyDescriptor(typedArray, Symbol.toStringTag)?.get as () => unknown;
const lengthOf = Object.getOwnPropertyDescriptor(typedArray, "length")?.get as () => number;

/** How long an array is, whatever it says itself. */
export function trueLength(bytes: Uint8Array): number {
  return lengthOf.call(bytes);
}

/** A copy of what an array holds, whatever it says itself. */
export function trueBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(trueLength(bytes)).map((_, i) => bytes[i] as number);
}

function isArrayOf(kind: "Uint8Array" | "Uint32Array", value: unknown): boolean {
  return ArrayBuffer.isView(value) && tagOf.call(value) === kind;
}

function isHonest(value: object): boolean {
  return !Object.hasOwn(value, "length");
}

export function judgeBytes(bytes: unknown, sizeMax = Infinity): Judgement {
  if (!isArrayOf("Uint8Array", bytes)) return "wrong";
  const array = bytes as Uint8Array;
  if (!isHonest(array)) return "either";
  return trueLength(array) <= sizeMax ? "right" : "wrong";
}

export function judgeSizes(sizes: unknown, bytes: number, sizeMax: number): Judgement {
  if (!isArrayOf("Uint32Array", sizes)) return "wrong";
  const list = [...(sizes as Uint32Array)];
  const sum = list.reduce((all, size) => all + size, 0);
  return sum <= bytes && list.every((size) => size <= sizeMax) ? "right" : "wrong";
}

export function judgeTypeId(typeId: unknown, max = 0xfffffffe): Judgement {
  if (typeId === undefined) return "right";
  return isWhole(typeId, 0, max) ? "right" : "wrong";
}

export function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

/** `signals`: the call looks at the signal as well. */
export function judgeWaiting(value: Value, signals: "ignored" | "checked"): Judgement {
  if (value.is === "number") return "wrong";
  if (value.is === "odd") {
    return ["null", "true", "text", "numeral", "bigint", "symbol", "function", "throwing"].includes(
      value.name,
    )
      ? "wrong"
      : "right";
  }
  if (value.is !== "waiting") return "right";
  if (value.style === "throwing") return "wrong";
  if (value.timeout !== "" && !(Number(value.timeout) >= 0)) return "wrong";
  return value.signal === "bogus" && signals === "checked" ? "wrong" : "right";
}

export function worst(...judgements: Judgement[]): Judgement {
  if (judgements.includes("wrong")) return "wrong";
  return judgements.includes("either") ? "either" : "right";
}

/** What an error may be about, as things stood when the call was made or when it was answered. */
export interface Reasons {
  readonly args?: Judgement;
  /** This end was closed, or the slot or batch was finished. */
  readonly closed?: boolean;
  readonly peerClosed?: boolean;
  readonly slotOpen?: boolean;
  readonly batchOpen?: boolean;
  readonly timeout?: boolean;
  /** There was a signal. */
  readonly abort?: boolean;
  /** Somebody wrote over the shared memory. */
  readonly tainted?: boolean;
  /** The buffer of the mapping was transferred away. */
  readonly detached?: boolean;
  /** A rendezvous, at which the system has a say. */
  readonly meeting?: boolean;
  readonly handlerThrew?: boolean;
}

export function isExplained(error: unknown, reasons: Reasons): boolean {
  if (error === thrown) return reasons.args !== "right";
  if (error instanceof DOMException) {
    if (error.name === "TimeoutError") return Boolean(reasons.timeout || reasons.abort);
    return error.name === "AbortError" && Boolean(reasons.abort);
  }
  if (error instanceof RangeError) return (reasons.args ?? "right") !== "right";
  if (error instanceof TypeError) {
    return (reasons.args ?? "right") !== "right" || Boolean(reasons.detached);
  }
  if (error instanceof ClosedError) return Boolean(reasons.closed);
  if (error instanceof PeerClosedError) return Boolean(reasons.peerClosed || reasons.tainted);
  if (error instanceof CorruptError) return Boolean(reasons.tainted);
  if (error instanceof RpcError) return Boolean(reasons.handlerThrew);
  if (
    error instanceof SystemError ||
    error instanceof WireError ||
    error instanceof UnauthorizedError
  ) {
    return Boolean(reasons.meeting);
  }
  if (!(error instanceof ZerocrossError)) return false;
  if (error.code === "ERR_ZEROCROSS_SLOT_OPEN") return Boolean(reasons.slotOpen);
  return error.code === "ERR_ZEROCROSS_BATCH_OPEN" && Boolean(reasons.batchOpen);
}
