/**
 * Moves positions until `gap` lies between them, in their order and as little as that takes: the
 * isotonic regression of the positions less their gaps, in which neighbours that are out of order
 * share their mean.
 */
export function apart(
  positions: readonly number[],
  gap: number,
  low: number,
  high: number,
): number[] {
  const order = positions.map((_, index) => index);
  order.sort((one, other) => (positions[one] ?? 0) - (positions[other] ?? 0));
  const groups: { sum: number; count: number }[] = [];
  order.forEach((index, rank) => {
    let group = { sum: (positions[index] ?? 0) - rank * gap, count: 1 };
    for (let last = groups.at(-1); last && mean(last) > mean(group); last = groups.at(-1)) {
      groups.pop();
      group = { sum: group.sum + last.sum, count: group.count + last.count };
    }
    groups.push(group);
  });
  const moved = [...positions];
  const latest = high - (order.length - 1) * gap;
  const starts = groups.flatMap((group) => Array<number>(group.count).fill(mean(group)));
  order.forEach((index, rank) => {
    const start = Math.max(Math.min(starts[rank] ?? 0, latest), low);
    moved[index] = start + rank * gap;
  });
  return moved;
}

function mean({ sum, count }: { readonly sum: number; readonly count: number }): number {
  return sum / count;
}
