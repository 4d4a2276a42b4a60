/**
 * Arguments as data. fast-check makes, shrinks and prints the data; `make` makes the argument, anew
 * for every run. All of it survives JSON, so that a sequence can be handed to another process.
 */
import fc from "fast-check";

const backings = [
  "own",
  "offset",
  "buffer",
  "shared",
  "growable",
  "tracking",
  "outOfBounds",
  "detached",
  "subclass",
  "webAssembly",
] as const;
const styles = ["plain", "frozen", "bare", "proxy", "throwing", "closing"] as const;
const signals = ["none", "live", "aborted", "timeout", "bogus"] as const;

/** What no parameter takes, or nearly none. */
const oddities = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  text: () => "text",
  numeral: () => "8",
  bigint: () => 8n,
  symbol: () => Symbol("odd"),
  function: () => () => 8,
  array: () => [1, 2, 3],
  object: () => ({ length: 8, byteLength: 8 }),
  bare: () => Object.create(null),
  valueOf: () => ({ valueOf: throwThrown, toString: throwThrown }),
  throwing: () =>
    new Proxy({}, { get: throwThrown, has: throwThrown, getPrototypeOf: throwThrown }),
  arrayBuffer: () => new ArrayBuffer(8),
  dataView: () => new DataView(new ArrayBuffer(8)),
  uint16Array: () => new Uint16Array(8),
  uint32Array: () => Uint32Array.of(1, 2, 3),
  float64Array: () => new Float64Array(8),
  clamped: () => new Uint8ClampedArray(8),
  proxiedBytes: () => new Proxy(new Uint8Array(8), {}),
  lyingProxy: () =>
    new Proxy(new Uint8Array(8), {
      get: (of, key) => (key === "length" ? 8 : Reflect.get(of, key)),
    }),
  heir: () => Object.create(Uint8Array.prototype, { length: { value: 8 } }),
  lyingBytes: () => Object.defineProperty(new Uint8Array(8), "length", { value: 1500 }),
  disguised: () => Object.setPrototypeOf(new Uint8Array(4), Uint32Array.prototype),
} as const;
type Oddity = keyof typeof oddities;

export type Value =
  | { readonly is: "number"; readonly text: string }
  | { readonly is: "odd"; readonly name: Oddity }
  | {
      readonly is: "bytes";
      readonly size: number;
      readonly fill: number;
      readonly backing: (typeof backings)[number];
    }
  | { readonly is: "sizes"; readonly sizes: readonly number[] }
  /** A view of shared memory that an earlier command kept. */
  | { readonly is: "kept"; readonly pick: number }
  | {
      readonly is: "waiting";
      /** `""`: absent. */
      readonly timeout: string;
      readonly signal: (typeof signals)[number];
      readonly style: (typeof styles)[number];
    };

/** What the getters of some arguments throw. */
export const thrown = new Error("thrown by a getter");

function throwThrown(): never {
  throw thrown;
}

/** What an argument needs from where it is used. */
export interface Surroundings {
  keptView(pick: number): Uint8Array | undefined;
  /** Closes something, in the middle of the call that reads the argument. */
  interfere(): void;
  /** A signal that a later command aborts. */
  liveSignal(): AbortSignal;
}

export function make(value: Value, surroundings: Surroundings): unknown {
  switch (value.is) {
    case "number":
      return Number(value.text);
    case "odd":
      return oddities[value.name]();
    case "bytes":
      return makeBytes(value.size, value.fill, value.backing);
    case "sizes":
      return Uint32Array.from(value.sizes);
    case "kept":
      return surroundings.keptView(value.pick) ?? new Uint8Array(8);
    case "waiting":
      return makeWaiting(value, surroundings);
  }
}

class Bytes extends Uint8Array {}

function makeBytes(size: number, fill: number, backing: (typeof backings)[number]): Uint8Array {
  const bytes = allocate(size, backing);
  for (let i = 0; i < bytes.length; i++) bytes[i] = fill + i;
  return bytes;
}

function allocate(size: number, backing: (typeof backings)[number]): Uint8Array {
  switch (backing) {
    case "own":
      return new Uint8Array(size);
    case "offset":
      return new Uint8Array(size + 13).subarray(5, 5 + size);
    case "buffer":
      return Buffer.alloc(size);
    case "shared":
      return new Uint8Array(new SharedArrayBuffer(size));
    case "growable": {
      const buffer = new SharedArrayBuffer(size, { maxByteLength: size + 100 });
      const bytes = new Uint8Array(buffer);
      buffer.grow(size + 50);
      return bytes;
    }
    case "tracking": {
      const buffer = new ArrayBuffer(size, { maxByteLength: size + 100 });
      const bytes = new Uint8Array(buffer);
      buffer.resize(size >> 1);
      return bytes;
    }
    case "outOfBounds": {
      const buffer = new ArrayBuffer(size + 8, { maxByteLength: size + 8 });
      const bytes = new Uint8Array(buffer, 4, size);
      buffer.resize(2);
      return bytes;
    }
    case "detached": {
      const bytes = new Uint8Array(size);
      bytes.buffer.transfer();
      return bytes;
    }
    case "subclass":
      return new Bytes(size);
    case "webAssembly":
      return new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer, 16, size);
  }
}

function makeWaiting(
  { timeout, signal, style }: Value & { is: "waiting" },
  surroundings: Surroundings,
): object {
  const fields: Record<string, unknown> = {};
  if (timeout !== "") fields.timeout = Number(timeout);
  if (signal !== "none") fields.signal = makeSignal(signal, surroundings);
  switch (style) {
    case "plain":
      return fields;
    case "frozen":
      return Object.freeze(fields);
    case "bare":
      return Object.assign(Object.create(null), fields);
    case "proxy":
      return new Proxy(fields, {});
    case "throwing":
      return Object.defineProperty(fields, "timeout", { get: throwThrown });
    case "closing":
      return Object.defineProperty(fields, "timeout", {
        get() {
          surroundings.interfere();
          return timeout === "" ? undefined : Number(timeout);
        },
      });
  }
}

function makeSignal(signal: (typeof signals)[number], surroundings: Surroundings): unknown {
  switch (signal) {
    case "none":
      return undefined;
    case "live":
      return surroundings.liveSignal();
    case "aborted":
      return AbortSignal.abort();
    case "timeout":
      return AbortSignal.timeout(1);
    case "bogus":
      return { aborted: false, addEventListener() {} };
  }
}

const asNumber = (text: string): Value => ({ is: "number", text });
const strange = fc
  .constantFrom(
    ...["NaN", "-0", "-1", "0.5", "1e-320", "Infinity", "-Infinity", "65535", "2147483647"],
    ...["2147483648", "4294967294", "4294967295", "4294967296", "4294967301", "9007199254740993"],
    ...["1e300", "-4294967288"],
  )
  .map(asNumber);
const odd = fc
  .constantFrom(...(Object.keys(oddities) as Oddity[]))
  .map((name): Value => ({ is: "odd", name }));
const absent = fc.constant<Value>({ is: "odd", name: "undefined" });
const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(70) },
  { weight: 3, arbitrary: fc.nat(600) },
  { weight: 1, arbitrary: fc.integer({ min: 1900, max: 2100 }) },
  { weight: 1, arbitrary: fc.nat(9000) },
);
const goodBytes = fc
  .tuple(
    size,
    fc.nat(255),
    fc.oneof({ weight: 5, arbitrary: fc.constant("own" as const) }, fc.constantFrom(...backings)),
  )
  .map(([size, fill, backing]): Value => ({ is: "bytes", size, fill, backing }));
const kept = fc.nat(100).map((pick): Value => ({ is: "kept", pick }));

type Weighted = { weight: number; arbitrary: fc.Arbitrary<Value> };
const mostly = (...some: Weighted[]) =>
  fc.oneof(...some, { weight: 1, arbitrary: strange }, { weight: 1, arbitrary: odd });

/** What commands take, right for the most part. */
export const any = {
  bytes: mostly({ weight: 30, arbitrary: goodBytes }, { weight: 2, arbitrary: kept }),
  typeId: mostly(
    { weight: 10, arbitrary: absent },
    { weight: 10, arbitrary: fc.nat(9).map((n) => asNumber(String(n))) },
    { weight: 4, arbitrary: fc.nat(2 ** 31).map((n) => asNumber(String(2 * n))) },
  ),
  size: mostly({ weight: 20, arbitrary: size.map((n) => asNumber(String(n))) }),
  index: mostly({ weight: 20, arbitrary: fc.nat(8).map((n) => asNumber(String(n))) }),
  max: mostly(
    { weight: 6, arbitrary: absent },
    { weight: 12, arbitrary: fc.integer({ min: 1, max: 40 }).map((n) => asNumber(String(n))) },
  ),
  sizes: mostly({
    weight: 30,
    arbitrary: fc
      .array(fc.oneof({ weight: 20, arbitrary: fc.nat(40) }, size), { maxLength: 40 })
      .map((sizes): Value => ({ is: "sizes", sizes })),
  }),
  /** Never longer than a millisecond or so where the thread sleeps: see `limitOf`. */
  waiting: mostly(
    { weight: 4, arbitrary: absent },
    {
      weight: 30,
      arbitrary: fc
        .tuple(
          fc.oneof(
            { weight: 9, arbitrary: fc.constantFrom("0", "0.1", "0.5", "1") },
            fc.constantFrom("", "NaN", "-1", "-0", "Infinity", "1e300", "4294967296"),
          ),
          fc.oneof(
            { weight: 6, arbitrary: fc.constant("none" as const) },
            fc.constantFrom(...signals),
          ),
          fc.oneof(
            { weight: 9, arbitrary: fc.constant("plain" as const) },
            fc.constantFrom(...styles),
          ),
        )
        .map(([timeout, signal, style]): Value => ({ is: "waiting", timeout, signal, style })),
    },
  ),
  anything: mostly({ weight: 1, arbitrary: goodBytes }, { weight: 1, arbitrary: kept }),
};

/** Milliseconds that a thread would sleep with these. NaN: none, since they are refused. */
export function limitOf(value: Value | undefined): number {
  if (value === undefined) return Infinity;
  if (value.is === "waiting") return value.timeout === "" ? Infinity : Number(value.timeout);
  if (value.is === "number") return Number.NaN;
  if (value.is !== "odd") return Infinity;
  const passed = ["undefined", "array", "object", "bare", "valueOf", "arrayBuffer", "dataView"];
  const views = ["uint16Array", "uint32Array", "float64Array", "clamped", "proxiedBytes"];
  const liars = ["lyingProxy", "heir", "lyingBytes", "disguised"];
  return [...passed, ...views, ...liars].includes(value.name) ? Infinity : Number.NaN;
}
