import type { Mechanism } from "./result.ts";

/** What a mechanism can be asked for. */
export interface Forms {
  readonly roundTrip: boolean;
  readonly oneWay: boolean;
  readonly handover: boolean;
  /** Round trips of which each comes after a silence, in which both sides fall asleep. */
  readonly afterSilence: boolean;
  /** Bytes of the smallest payload that it is meant for. */
  readonly minSize: number;
  /** The sizes that the sweep has of it; missing: all. */
  readonly sweepSizes?: readonly number[];
  /** The empty system call: there is no message to check. */
  readonly carriesNothing: boolean;
}

/** A mechanism, and how to start it: `program` is the name that its runner knows it by. */
export interface Contender {
  readonly mechanism: Mechanism;
  readonly program: string;
  readonly forms: Forms;
}

export const anyForm: Forms = {
  roundTrip: true,
  oneWay: true,
  handover: false,
  afterSilence: false,
  minSize: 4,
  carriesNothing: false,
};

export function isSwept({ forms }: Contender, size: number): boolean {
  return forms.oneWay && (forms.sweepSizes?.includes(size) ?? true);
}
