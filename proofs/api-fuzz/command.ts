import type fc from "fast-check";
import type { Value } from "./values.ts";
import type { World } from "./world.ts";

/** A call that can be made, or something else that happens between calls. */
export interface CommandKind {
  /** How often it comes, compared with others. */
  readonly weight: number;
  readonly args: readonly fc.Arbitrary<Value>[];
  /** `pick` chooses among what there is. Throws when something else happens than may happen. */
  run(world: World, pick: number, args: Value[]): void | Promise<void>;
}

export type CommandKinds = Readonly<Record<string, CommandKind>>;

/** As data, for fast-check to shrink and to print. */
export interface Command {
  readonly name: string;
  readonly pick: number;
  readonly args: Value[];
}
