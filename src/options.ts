import { numbers } from "../ffi/table.ts";
import { show } from "./native-values.ts";
import type { ConnectOptions, ListenOptions, Peer, Waiting } from "./types.ts";

/** Options with every default in place and every value checked. */
export interface CheckedListen extends CheckedWaiting {
  readonly capacity: number;
  readonly wire: number;
  readonly mode: number;
  readonly authorize: ((peer: Peer) => boolean) | undefined;
  readonly spin: number;
}

export interface CheckedConnect extends CheckedWaiting {
  readonly retry: boolean;
  readonly authorize: ((peer: Peer) => boolean) | undefined;
  readonly spin: number;
}

const defaultCapacity = 2 ** 20;
const defaultMode = 0o600;
const defaultSpin = 50;
const defaultRetryTimeout = 5000;

export function checkListen(options: ListenOptions = {}): CheckedListen {
  checkObject(options, "options");
  const { capacity = defaultCapacity, wire = numbers.wireMax, mode = defaultMode } = options;
  checkCapacity(capacity);
  if (!Number.isInteger(wire) || wire < numbers.wireMin || wire > numbers.wireMax) {
    throw new RangeError(`wire is ${show(wire)}; expected 2, 3 or 4`);
  }
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
    throw new RangeError(`mode is ${show(mode)}; expected permission bits from 0 to 0o777`);
  }
  return { capacity, wire, mode: mode >>> 0, ...checkCommon(options), ...checkWaiting(options) };
}

export function checkConnect(options: ConnectOptions = {}): CheckedConnect {
  checkObject(options, "options");
  const { retry = true } = options;
  if (typeof retry !== "boolean") {
    throw new TypeError(`retry is ${show(retry)}; expected true or false`);
  }
  const waiting = checkWaiting(options, retry ? defaultRetryTimeout : Infinity);
  return { retry, ...checkCommon(options), ...waiting };
}

function checkCommon(options: ListenOptions | ConnectOptions) {
  const { authorize, wait = {} } = options;
  if (authorize !== undefined && typeof authorize !== "function") {
    throw new TypeError(`authorize is ${show(authorize)}; expected a function of the peer`);
  }
  checkObject(wait, "wait");
  const { spin = defaultSpin } = wait;
  if (typeof spin !== "number" || !(spin >= 0)) {
    throw new RangeError(
      `wait.spin is ${show(spin)}; expected microseconds, 0 or more, or Infinity`,
    );
  }
  return { authorize, spin };
}

function checkCapacity(capacity: number): void {
  const { capacityMin, capacityMax } = numbers;
  const isPowerOfTwo = Number.isInteger(capacity) && Number.isInteger(Math.log2(capacity));
  if (!isPowerOfTwo || capacity < capacityMin || capacity > capacityMax) {
    throw new RangeError(
      `capacity is ${show(capacity)}; expected bytes, a power of two from ${capacityMin} to ${capacityMax}`,
    );
  }
}

/** Milliseconds of patience; `Infinity` when none were given. */
export function checkTimeout(waiting: Waiting | undefined, defaultTimeout = Infinity): number {
  if (waiting === undefined) return defaultTimeout;
  checkObject(waiting, "waiting");
  const { timeout = defaultTimeout } = waiting;
  if (typeof timeout !== "number" || !(timeout >= 0)) {
    throw new RangeError(`timeout is ${show(timeout)}; expected milliseconds, 0 or more`);
  }
  return timeout;
}

export interface CheckedWaiting {
  /** Milliseconds; `Infinity` when none were given. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

const noWaiting: CheckedWaiting = { timeout: Infinity, signal: undefined };

export function checkWaiting(
  waiting: Waiting | undefined,
  defaultTimeout?: number,
): CheckedWaiting {
  if (waiting === undefined && defaultTimeout === undefined) return noWaiting;
  const timeout = checkTimeout(waiting, defaultTimeout);
  const signal = waiting?.signal;
  if (signal !== undefined && !isSignal(signal)) {
    throw new TypeError(`signal is ${show(signal)}; expected an AbortSignal`);
  }
  return { timeout, signal };
}

/** Also one of another realm, or of a test environment's own making. */
function isSignal(value: unknown): boolean {
  if (value instanceof AbortSignal) return true;
  const { aborted, addEventListener, removeEventListener, throwIfAborted } = Object(value);
  const methods = [addEventListener, removeEventListener, throwIfAborted];
  return typeof aborted === "boolean" && methods.every((method) => typeof method === "function");
}

/** The path as the kernel takes it. Its length is checked where it is used. */
export function checkPath(path: string): Uint8Array {
  if (typeof path !== "string") {
    throw new TypeError(`path is ${show(path)}; expected a string`);
  }
  return new TextEncoder().encode(path);
}

function checkObject(value: object, name: string): void {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(`${name} is ${show(value)}; expected an object`);
  }
}
