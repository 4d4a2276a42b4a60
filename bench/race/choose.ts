import type { Scenario } from "../scenarios/scenario.ts";
import { scenarios } from "../scenarios/scenarios.ts";
import { UsageError } from "../usage-error.ts";
import type { Contender } from "./contender.ts";
import { contenders, isFloor } from "./mechanisms.ts";

/** Edits between what was asked for and what is offered in its place: at most, and of each letter. */
const nearEdits = 3;
const nearShare = 0.5;
const offeredMax = 5;

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

function formsOf(each: Contender | Scenario): string[] {
  return "mechanism" in each ? [each.mechanism.id, each.program] : [each.name];
}

function find(name: string): (Contender | Scenario)[] {
  const all = [...contenders, ...scenarios];
  const equal = all.filter((each) => formsOf(each).includes(name));
  if (equal.length > 0) return equal;
  const longer = all.filter((each) =>
    formsOf(each).some((form) => name !== "" && form.startsWith(name)),
  );
  if (longer.length > 0) return longer;
  throw new UsageError(`No mechanism is called "${name}".${offer(name)} See --list for all.`);
}

function offer(name: string): string {
  const asked = name.toLowerCase();
  const most = Math.min(nearEdits, asked.length * nearShare);
  const near = contenders
    .map(({ mechanism: { id }, program }) => {
      const isPart = asked.length > 2 && id.includes(asked);
      return { id, edits: isPart ? 0 : Math.min(edits(asked, id), edits(asked, program)) };
    })
    .filter(({ edits }) => edits <= most)
    .sort((one, other) => one.edits - other.edits)
    .slice(0, offeredMax);
  return near.length === 0 ? "" : ` Near it: ${near.map(({ id }) => id).join(", ")}.`;
}

/** Levenshtein's distance. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [line, letter] of [...from].entries()) {
    const next = [line + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (to[column - 1] === letter ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
