import { numbers } from "../ffi/table.ts";

const u32Max = 2 ** 32 - 1;

export function checkBytes(bytes: Uint8Array, name: string): void {
  // One of another realm, such as node:vm and some test runners make, has another constructor.
  if (!(bytes instanceof Uint8Array) && kindOf.call(bytes) !== "Uint8Array") {
    throw new TypeError(`${name} is ${show(bytes)}; expected a Uint8Array`);
  }
}

export function checkSizes(sizes: Uint32Array): void {
  // Not `instanceof`: what inherits from a Uint32Array may have smaller elements.
  if (kindOf.call(sizes) !== "Uint32Array") {
    throw new TypeError(`sizes is ${show(sizes)}; expected a Uint32Array`);
  }
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const lengthOf = getterOf(typedArray, "length") as (this: unknown) => number;
const kindOf = getterOf(typedArray, Symbol.toStringTag) as (this: unknown) => string | undefined;

function getterOf(prototype: object, key: PropertyKey): unknown {
  return Object.getOwnPropertyDescriptor(prototype, key)?.get;
}

/**
 * How many elements native code may touch: no more than there are, whatever a subclass or a property
 * of the array answers, and no more than a u32 can say.
 *
 * @throws {TypeError} when it is no typed array, though it inherits from one.
 */
export function nativeLength(array: Uint8Array | Uint32Array): number {
  const { length } = array;
  // A subclass can give any `length`, but no element that is not there. The getter below tells the true
  // length, and costs as much as sending a message.
  if (isU32(length) && (length === 0 || array[length - 1] !== undefined)) return length;
  return Math.min(lengthOf.call(array), u32Max);
}

/** Whether native code can be given a value as a u32. False for a BigInt, which `>>>` would throw at. */
export function isU32(value: number): boolean {
  return typeof value === "number" && value >>> 0 === value;
}

export function checkTypeId(typeId: number): void {
  if (isU32(typeId) && typeId !== numbers.typePacked) return;
  if (typeof typeId !== "number") {
    throw new TypeError(`typeId is ${show(typeId)}; expected a number`);
  }
  throw new RangeError(
    `typeId is ${show(typeId)}; expected an integer from 0 to 0xFFFFFFFE (0xFFFFFFFF marks packed records)`,
  );
}

/** Checks a size before or after native code has refused it: the error is the same. */
export function checkSize(size: number, sizeMax: number, what: string): void {
  if (typeof size !== "number") {
    throw new TypeError(`${what} is ${show(size)}; expected a number of bytes`);
  }
  if (!Number.isInteger(size) || size < 0 || size > sizeMax) {
    throw new RangeError(`${what} is ${show(size)}; expected whole bytes from 0 to ${sizeMax}`);
  }
}

/** A value as an error shows it. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) {
    return `an object (${value.constructor?.name ?? "without a prototype"})`;
  }
  return String(value);
}
