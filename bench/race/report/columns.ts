export interface Column<Row> {
  readonly heading: string;
  readonly align: "left" | "right";
  /** Where there is no room, the columns with the least go first. */
  readonly worth: number;
  /** Whether it belongs to the column on its left, and stands close to it. */
  readonly isClose?: boolean;
  cell(row: Row): string;
}

/** Lines of a table that fits, as far as leaving columns out helps. */
export function tabulate<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
): string[] {
  let kept = [...columns];
  while (kept.length > 1 && widthOf(rows, kept) > width) {
    const least = Math.min(...kept.map(({ worth }) => worth));
    kept = kept.filter(({ worth }) => worth > least);
  }
  const widths = kept.map((column) => columnWidth(rows, column));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => {
        const column = kept[index];
        const room = widths[index] ?? 0;
        const gap = " ".repeat(index === 0 || column === undefined ? 0 : gapOf(column));
        return gap + (column?.align === "left" ? cell.padEnd(room) : cell.padStart(room));
      })
      .join("")
      .trimEnd();
  const headings = line(kept.map(({ heading }) => heading));
  return [
    ...(headings === "" ? [] : [headings]),
    ...rows.map((row) => line(kept.map((column) => column.cell(row)))),
  ];
}

/** Prose in lines of that width, all but the first indented as much as asked. */
export function wrap(text: string, width: number, indent = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line.trim() !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function widthOf<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): number {
  return columns.reduce((sum, column) => sum + columnWidth(rows, column) + gapOf(column), -2);
}

function gapOf({ isClose = false }: Column<never>): number {
  return isClose ? 1 : 2;
}

function columnWidth<Row>(rows: readonly Row[], { heading, cell }: Column<Row>): number {
  return Math.max(heading.length, ...rows.map((row) => cell(row).length));
}
