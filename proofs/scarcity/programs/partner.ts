/** Meets whoever comes, however often that fails, and says how often it did. */
import process from "node:process";
import { Consumer, Producer, RpcClient, RpcResponder } from "../../../src/index.ts";
import { awaitWord, print, programArguments } from "../../../tests/support/child.ts";

const kinds = { Producer, Consumer, RpcClient, RpcResponder };

export interface PartnerArguments {
  readonly path: string;
  readonly end: keyof typeof kinds;
  readonly how: "listenSync" | "connectSync";
  /** Of the memory that a listener makes, in bytes. */
  readonly capacity?: number;
  /** Takes a peer of any user. */
  readonly trusts?: boolean;
}

export interface PartnerReport {
  /** Why each attempt but the last failed. */
  readonly failures: string[];
}

const { path, end, how, capacity = 4096, trusts = false } = programArguments<PartnerArguments>();
const failures: string[] = [];
const options = { capacity, timeout: 10_000, ...(trusts && { authorize: () => true }) };
for (let isMet = false; !isMet; ) {
  try {
    using _ = kinds[end][how](path, options);
    isMet = true;
    print({ failures } satisfies PartnerReport);
    awaitWord();
  } catch (error) {
    const { name, message } = error as Error;
    failures.push(`${name}: ${message}`);
    if (failures.length > 1000) process.exit(1);
  }
}
