/** What a measurement has found that is not made of blocks in turn with the bare line. */
export interface Table {
  readonly title: string;
  /** How it was measured: what a reader of the figures must know. */
  readonly notes: readonly string[];
  readonly headings: readonly string[];
  readonly rows: readonly TableRow[];
}

export interface TableRow {
  readonly name: string;
  readonly cells: readonly string[];
  readonly goal?: { readonly text: string; readonly reached: boolean };
  /** Every sample that the cells were made of. */
  readonly raw: unknown;
}

export interface Measurement {
  readonly name: string;
  /** About how long it takes. */
  readonly seconds: number;
  /** `quick`: just long enough to see that everything works. */
  measure(quick: boolean): Promise<Table>;
}
