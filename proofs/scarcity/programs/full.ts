/** Listens in a file system without room, and again once there is some. */
import { readdirSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Consumer, Producer } from "../../../src/index.ts";
import { print, programArguments } from "../../../tests/support/child.ts";

export interface FullArguments {
  readonly path: string;
  /** A file that takes the last room there is. */
  readonly filler: string;
  readonly fillerSize: number;
}

export interface FullReport {
  /** "ok", or what it failed with: while there is no room, and after. */
  readonly whileFull: string;
  readonly after: string;
  /** What is in the folder in the end. */
  readonly entries: string[];
}

const { path, filler, fillerSize } = programArguments<FullArguments>();

async function outcome(): Promise<string> {
  try {
    const listening = Producer.listen(path, { timeout: 5000 });
    // A path that cannot be bound is known at once.
    await Promise.race([listening, new Promise((resolve) => setTimeout(resolve, 1))]);
    using _ = await Consumer.connect(path);
    using __ = await listening;
    return "ok";
  } catch (error) {
    const { name, message } = error as Error;
    return `${name}: ${message}`;
  }
}

writeFileSync(filler, new Uint8Array(fillerSize));
const whileFull = await outcome();
unlinkSync(filler);
const after = await outcome();
print({ whileFull, after, entries: readdirSync(dirname(path)) } satisfies FullReport);
