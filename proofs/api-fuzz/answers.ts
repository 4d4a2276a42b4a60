/** What requests are answered with, by their type: both sides of every RPC know it. */

export interface Asked {
  readonly bytes: Uint8Array;
  readonly typeId: number;
}

/** What a handler may return or throw, the last ones only where promises are taken. */
const handlers: ((asked: Asked) => unknown)[] = [
  ({ bytes }) => bytes,
  ({ bytes }) => bytes,
  ({ bytes }) => bytes,
  () => {
    throw new Error("as it was told");
  },
  () => {
    throw Object.create(null);
  },
  () => "text",
  () => new Uint8Array(2 ** 20),
  () => Object.defineProperty(new Uint8Array(8), "length", { value: 1500 }),
  async ({ bytes }) => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    return bytes;
  },
  async () => {
    throw new Error("later");
  },
];

export function answer(asked: Asked): Uint8Array {
  return handlers[asked.typeId % handlers.length]?.(asked) as Uint8Array;
}

/** The reply's bytes; `undefined`: the call fails with an `RpcError`. */
export function expectedReply(
  { bytes, typeId }: Asked,
  takesPromises: boolean,
): Uint8Array | undefined {
  const kind = typeId % handlers.length;
  if (kind <= 2 || (kind === 8 && takesPromises)) return bytes;
  return kind === 7 ? new Uint8Array(8) : undefined;
}
