/** Limits of this process, and calls of the kernel's that only tests of scarcity need. */
import { readdirSync, readlinkSync } from "node:fs";
import process from "node:process";
import type { ForeignFunctions, Signatures } from "../../tests/peer/libc.ts";
import * as libc from "../../tests/peer/libc.ts";

interface Foreign {
  openLibrary(name: string, signatures: Signatures): ForeignFunctions;
  addressOf(buffer: Uint8Array): number;
}

const runtime = process.versions.bun === undefined ? "deno" : "bun";
const foreign = (await import(`../../tests/peer/libc-${runtime}.ts`)) as Foreign;

const functions = foreign.openLibrary("libc.so.6", {
  prlimit: { args: ["i32", "i32", "u64", "u64"], returns: "i32" },
  unshare: { args: ["i32"], returns: "i32" },
  mount: { args: ["u64", "u64", "u64", "u64", "u64"], returns: "i32" },
  umount: { args: ["u64"], returns: "i32" },
  memfd_create: { args: ["u64", "u32"], returns: "i32" },
  renameat2: { args: ["i32", "u64", "i32", "u64", "u32"], returns: "i32" },
  syscall: { args: ["i64", "u64", "u64", "u64", "u64", "u64"], returns: "i64" },
});

/** Large, so that it never moves. */
const scratch = new Uint8Array(4096);
const view = new DataView(scratch.buffer);
const address = foreign.addressOf(scratch);

function call(name: string, ...args: (number | bigint)[]): number {
  const result = Number(functions[name]?.(...args));
  if (result < 0) throw new Error(`${name}(${args.join(", ")}) failed`);
  return result;
}

/** Writes strings one after the other and returns where each begins. */
function addressesOf(...texts: string[]): number[] {
  let end = 0;
  return texts.map((text) => {
    const start = end;
    const bytes = new TextEncoder().encode(`${text}\0`);
    scratch.set(bytes, start);
    end += bytes.length;
    return address + start;
  });
}

export const resource = { fileSize: 1, data: 2, descriptors: 7, addressSpace: 9 } as const;
export type Resource = (typeof resource)[keyof typeof resource];

/** Sets the soft limit, which may be raised again, and returns what it was. */
export function setLimit(of: Resource, limit: bigint): bigint {
  call("prlimit", 0, of, 0, address);
  const before = view.getBigUint64(0, true);
  view.setBigUint64(0, limit, true);
  call("prlimit", 0, of, address, 0);
  return before;
}

/** Only what `body` does itself meets the limit, as long as it does not return a promise. */
export function withLimit<Result>(of: Resource, limit: bigint, body: () => Result): Result {
  const before = setLimit(of, limit);
  try {
    return body();
  } finally {
    setLimit(of, before);
  }
}

/** The limit of descriptors with which this process can open `count` more. */
export function limitForFree(count: number): bigint {
  const used = new Set<number>();
  for (const name of readdirSync("/proc/self/fd")) {
    try {
      readlinkSync(`/proc/self/fd/${name}`);
      used.add(Number(name));
    } catch {
      // It was the one that listed the folder.
    }
  }
  let limit = 0;
  for (let free = 0; free < count || used.has(limit); limit++) if (!used.has(limit)) free++;
  return BigInt(limit);
}

/** From here on this thread sees an empty /proc, and so does what it starts. Only root can. */
export function hideProc(): void {
  const [none, root, proc, tmpfs] = addressesOf("none", "/", "/proc", "tmpfs") as [
    number,
    number,
    number,
    number,
  ];
  const newNamespace = 0x00020000;
  const recursivelyPrivate = 0x4000 | 0x40000;
  call("unshare", newNamespace);
  call("mount", none, root, 0, recursivelyPrivate, 0);
  call("mount", none, proc, tmpfs, 0, 0);
}

export function showProc(): void {
  call("umount", addressesOf("/proc")[0] as number);
}

/** A memory file with these seals; undefined where the kernel makes no such file. */
export function makeMemory(
  size: number,
  seals: number,
  { isHuge = false }: { isHuge?: boolean } = {},
): number | undefined {
  const allowSealing = 2;
  const huge = 4;
  const [name] = addressesOf("zerocross-test") as [number];
  const fd = Number(functions.memfd_create?.(name, allowSealing | (isHuge ? huge : 0)));
  if (fd < 0) return undefined;
  libc.truncate(fd, size);
  libc.addSeals(fd, seals);
  return fd;
}

/** Memory that even the kernel does not see; undefined where the kernel makes none. */
export function makeSecret(size: number): number | undefined {
  const memfdSecret = 447;
  const fd = Number(functions.syscall?.(memfdSecret, 0, 0, 0, 0, 0));
  if (fd < 0) return undefined;
  libc.truncate(fd, size);
  return fd;
}

/** Returns what exchanges two names; where one of them is missing it does nothing. */
export function nameExchanger(first: string, second: string): () => void {
  const here = -100;
  const exchange = 2;
  const [from, to] = addressesOf(first, second) as [number, number];
  return () => void functions.renameat2?.(here, from, here, to, exchange);
}
