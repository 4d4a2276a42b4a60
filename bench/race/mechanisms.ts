import type { Contender } from "./contender.ts";
import { javascriptContenders } from "./mechanisms-javascript.ts";
import { nativeContenders } from "./mechanisms-native.ts";

export const contenders: readonly Contender[] = [
  ...nativeContenders,
  ...javascriptContenders("bun"),
  ...javascriptContenders("deno"),
];

/** Run in every race, whatever was chosen: all others are read beside them. */
export const bareLineId = "native/bare-line";
export const emptyCallId = "native/empty-call";

export function isFloor(id: string): boolean {
  return id === bareLineId || id === emptyCallId;
}
