/** What calls that wait are given. */
import type { Pair } from "./pair.ts";
import { limitOf, type Value } from "./values.ts";

const shortly: Value = { is: "waiting", timeout: "1", signal: "none", style: "plain" };
/** Milliseconds that a thread may sleep in one call. */
const limitMax = 5;

/** On this thread what would wait for ever is made to wait for a millisecond. */
export function bounded(value: Value | undefined, mayWait: boolean): Value | undefined {
  return mayWait && limitOf(value) > limitMax ? shortly : value;
}

/** Who reads the timeout may find an end closed afterwards: its own or the other, as `pick` says. */
export const closesAnEnd = (pair: Pair, pick: number) => () => {
  pair.close(pick % 2 === 0 ? "producer" : "consumer");
};
