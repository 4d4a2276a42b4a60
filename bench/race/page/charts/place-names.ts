/** Where the names of points go that lie close together: in a column beside them, or wherever there is room. */
import { apart } from "./apart.ts";

export interface Named<Item> {
  readonly item: Item;
  /** The middle of the point, in pixels. */
  readonly x: number;
  readonly y: number;
  /** The width of the name, in pixels. */
  readonly width: number;
}

export interface PlacedName<Item> extends Named<Item> {
  readonly left: number;
  /** The middle of the name. */
  readonly middle: number;
  readonly side: Side;
}

export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

type Side = "left" | "right";

const nameHeight = 14;
const pointRadius = 5;
/** From a point to its name, and to a column of names, which lines lead to. */
const near = 9;
const columnDistance = 28;
/** Points that lie closer together than this, from left to right, share a column of names. */
const clusterGap = 24;

/** A name that finds no place is left out. */
export function placeNames<Item>(names: readonly Named<Item>[], frame: Box): PlacedName<Item>[] {
  const occupied = names.map(({ x, y }) => around(x, y, pointRadius, pointRadius));
  const isFree = (name: PlacedName<Item>) => {
    const box = boxOf(name);
    return within(box, frame) && !occupied.some((other) => overlap(box, other));
  };
  const placed: PlacedName<Item>[] = [];
  for (const cluster of clustersOf(names)) {
    const columns = (["right", "left"] as const).map((side) =>
      columnOf(cluster, side, frame).filter(isFree),
    );
    const best = columns.reduce((one, other) => (other.length > one.length ? other : one));
    placed.push(...best);
    occupied.push(...best.map(boxOf));
    const others = cluster.filter(({ item }) => !best.some((name) => name.item === item));
    for (const name of others) {
      const free = besides(name).find(isFree);
      if (free === undefined) continue;
      placed.push(free);
      occupied.push(boxOf(free));
    }
  }
  return placed;
}

/** The largest first. */
function clustersOf<Item>(names: readonly Named<Item>[]): Named<Item>[][] {
  const clusters: Named<Item>[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const name of [...names].sort((one, other) => one.x - other.x)) {
    if (name.x - last > clusterGap) clusters.push([]);
    clusters.at(-1)?.push(name);
    last = name.x;
  }
  return clusters.sort((one, other) => other.length - one.length);
}

function columnOf<Item>(
  cluster: readonly Named<Item>[],
  side: Side,
  frame: Box,
): PlacedName<Item>[] {
  const wanted = cluster.map(({ y }) => y);
  const [top, bottom] = [frame.top + nameHeight / 2, frame.bottom - nameHeight / 2];
  const middles = apart(wanted, nameHeight, top, bottom);
  const moved = middles.some((middle, index) => Math.abs(middle - (wanted[index] ?? 0)) > 1);
  const distance = moved ? columnDistance : near;
  const edge =
    side === "right"
      ? Math.max(...cluster.map(({ x }) => x)) + distance
      : Math.min(...cluster.map(({ x }) => x)) - distance;
  return cluster.map((name, index) => ({
    ...name,
    middle: middles[index] ?? 0,
    left: side === "right" ? edge : edge - name.width,
    side,
  }));
}

/** Places for a name on its own, the nearest first. */
function besides<Item>(name: Named<Item>): PlacedName<Item>[] {
  const { x, y, width } = name;
  return [0, 1, -1, 2, -2, 3, -3].flatMap((step) => {
    const middle = y + step * nameHeight;
    const distance = near + Math.abs(step) * 4;
    return [
      { ...name, middle, left: x + distance, side: "right" },
      { ...name, middle, left: x - distance - width, side: "left" },
    ] satisfies PlacedName<Item>[];
  });
}

function boxOf({ left, middle, width }: PlacedName<unknown>): Box {
  // A pixel less: names of a column touch each other.
  return around(left + width / 2, middle, width / 2, nameHeight / 2 - 0.5);
}

function around(x: number, y: number, halfWidth: number, halfHeight: number): Box {
  return { left: x - halfWidth, right: x + halfWidth, top: y - halfHeight, bottom: y + halfHeight };
}

function within(box: Box, frame: Box): boolean {
  const across = box.left >= frame.left && box.right <= frame.right;
  return across && box.top >= frame.top && box.bottom <= frame.bottom;
}

function overlap(one: Box, other: Box): boolean {
  const across = one.left < other.right && other.left < one.right;
  return across && one.top < other.bottom && other.top < one.bottom;
}
