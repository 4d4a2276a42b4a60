/** Who stands in a line, and between whom. */
export interface InLine<Item> {
  ahead: Item | undefined;
  behind: Item | undefined;
}

/** First come, first served. Leaving costs the same from anywhere in it, however long it is. */
export class Line<Item extends InLine<Item>> {
  #first: Item | undefined;
  #last: Item | undefined;

  get first(): Item | undefined {
    return this.#first;
  }

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  push(item: Item): void {
    item.ahead = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.behind = item;
    this.#last = item;
  }

  /** Does nothing to one that has left. */
  remove(item: Item): void {
    const { ahead, behind } = item;
    if (ahead !== undefined) ahead.behind = behind;
    else if (this.#first === item) this.#first = behind;
    else return;
    if (behind === undefined) this.#last = ahead;
    else behind.ahead = ahead;
    item.ahead = undefined;
    item.behind = undefined;
  }

  /** Empties it. */
  removeAll(): Item[] {
    const items: Item[] = [];
    for (let item = this.#first; item !== undefined; item = this.#first) {
      this.remove(item);
      items.push(item);
    }
    return items;
  }
}
