import type { Scenario } from "../scenarios/scenario.ts";
import { scenarios } from "../scenarios/scenarios.ts";
import { UsageError } from "../usage-error.ts";
import type { Contender } from "./contender.ts";
import { contenders, isFloor } from "./mechanisms.ts";
import { sortedBy } from "./reading.ts";

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
  const known = [...new Set(all.flatMap(({ forms }) => forms))];
  const near = sortedBy(known, (form) => -likeness(form, name))
    .filter((form) => likeness(form, name) >= leastLikeness)
    .slice(0, 3);
  const meant = near.length === 0 ? "" : ` Did you mean ${near.join(" or ")}?`;
  throw new UsageError(`No mechanism is called "${name}".${meant} See --list for all.`);
}

/** Of a slip of the keys. */
const leastLikeness = 0.6;

/** The share of pairs of neighbouring characters that two names have in common. */
function likeness(one: string, other: string): number {
  const [ones, others] = [one, other].map(
    (name) => new Set(Array.from(name, (_, at) => name.slice(at, at + 2))),
  ) as [Set<string>, Set<string>];
  return ones.intersection(others).size / Math.max(ones.size, others.size);
}
