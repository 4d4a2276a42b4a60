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
  /** Of what is slow or has a like beside it, every other size of a long sweep tells enough. */
  readonly fewSizes: boolean;
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
  fewSizes: false,
  carriesNothing: false,
};

/** The sizes that the sweep has of it. */
export function sweptSizes({ forms }: Contender, sizes: readonly number[]): readonly number[] {
  if (!forms.oneWay) return [];
  const isFew = forms.fewSizes && sizes.length > 2;
  return isFew ? sizes.filter((_, index) => index % 2 === 1) : sizes;
}
