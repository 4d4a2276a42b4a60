import type { Contender } from "./contender.ts";
import { javascriptContenders } from "./mechanisms-javascript.ts";
import { nativeContenders } from "./mechanisms-native.ts";
import type { Runner } from "./result.ts";

export const contenders: readonly Contender[] = [
  ...nativeContenders,
  ...javascriptContenders("bun"),
  ...javascriptContenders("deno"),
];

export const runners: readonly Runner[] = ["native", "bun", "deno"];

export const runnerName: Readonly<Record<Runner, string>> = {
  native: "Native",
  bun: "Bun",
  deno: "Deno",
};

/** Run in every race, whatever was chosen: all others are read beside them. */
export const bareLineId = "native/bare-line";
export const emptyCallId = "native/empty-call";

export function isFloor(id: string): boolean {
  return id === bareLineId || id === emptyCallId;
}
