import type { Scenario } from "../scenarios/scenario.ts";
import { scenarios } from "../scenarios/scenarios.ts";
import { UsageError } from "../usage-error.ts";
import type { Contender } from "./contender.ts";
import { contenders, isFloor } from "./mechanisms.ts";

interface Choice {
  readonly contenders: readonly Contender[];
  readonly scenarios: readonly Scenario[];
}

/**
 * Each name is an id or a scenario, or the beginning of one, or either without its runner. One that is
 * an id as it stands is not taken for a beginning. The floor is always among the chosen: all others are
 * read beside it.
 */
export function choose(names: string | undefined): Choice {
  if (names === undefined) return { contenders, scenarios };
  const chosen = new Set(names.split(",").flatMap(find));
  return {
    contenders: contenders.filter((each) => chosen.has(each) || isFloor(each.mechanism.id)),
    scenarios: scenarios.filter((each) => chosen.has(each)),
  };
}

function find(name: string): (Contender | Scenario)[] {
  const all = [...contenders, ...scenarios].map((each) => ({
    each,
    forms: "mechanism" in each ? [each.mechanism.id, each.program] : [each.name],
  }));
  const equal = all.filter(({ forms }) => forms.includes(name));
  const longer = all.filter(({ forms }) => forms.some((form) => name && form.startsWith(name)));
  const found = equal.length > 0 ? equal : longer;
  if (found.length > 0) return found.map(({ each }) => each);
  throw new UsageError(`No mechanism is called "${name}". See --list for all.`);
}
