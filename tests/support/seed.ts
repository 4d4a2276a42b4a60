import process from "node:process";
import { checksum, checksumStart } from "../peer/content.ts";

/** What a file's random tests start from: another one with every run, or ZEROCROSS_SEED. */
export function printedSeed(): number {
  const given = process.env.ZEROCROSS_SEED;
  const seed = given === undefined ? Date.now() % 2 ** 31 : Number(given);
  console.log(`to run with these random numbers again: ZEROCROSS_SEED=${seed}`);
  return seed;
}

/** The running checksum of some messages, from the first to the last. */
export function checksumOf(messages: Iterable<Uint8Array>): number {
  let sum = checksumStart;
  for (const bytes of messages) sum = checksum(sum, bytes);
  return sum;
}
