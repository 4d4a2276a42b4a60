export interface Heading {
  readonly heading: string;
  readonly align: "left" | "right";
  /** Where there is no room, the columns with the least go first. */
  readonly worth: number;
  /** It belongs to the column on its left, and stands close to it. */
  readonly isClose?: boolean;
}

export interface Column<Row> extends Heading {
  cell(row: Row): string;
}

/** A table as the terminal and the page show it. */
export interface Table {
  readonly title: string;
  readonly notes: readonly string[];
  readonly columns: readonly Heading[];
  readonly rows: readonly (readonly string[])[];
}

/** No table where there are no rows. */
export function tableOf<Row>(
  title: string,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  notes: readonly string[] = [],
): Table[] {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  return [{ title, notes, columns, rows: cells }];
}

export function left<Row>(heading: string, worth: number, cell: (row: Row) => string): Column<Row> {
  return { heading, align: "left", worth, cell };
}

export function right<Row>(
  heading: string,
  worth: number,
  cell: (row: Row) => string,
): Column<Row> {
  return { heading, align: "right", worth, cell };
}

/** Lines of a table that fits, as far as leaving columns out helps. */
export function tabulate({ columns, rows }: Table, width: number): string[] {
  const widths = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...rows.map((cells) => cells[index]?.length ?? 0)),
  );
  const gap = ({ isClose }: Heading) => (isClose ? 1 : 2);
  let kept = columns.map((column, index) => ({ ...column, index, room: widths[index] ?? 0 }));
  const needed = () => kept.reduce((sum, column) => sum + column.room + gap(column), -2);
  while (kept.length > 1 && needed() > width) {
    const least = Math.min(...kept.map(({ worth }) => worth));
    kept = kept.filter(({ worth }) => worth > least);
  }
  const line = (cells: readonly string[]) =>
    kept
      .map(({ index, room, align, isClose }, place) => {
        const cell = cells[index] ?? "";
        const before = place === 0 ? "" : " ".repeat(isClose ? 1 : 2);
        return before + (align === "left" ? cell.padEnd(room) : cell.padStart(room));
      })
      .join("")
      .trimEnd();
  const headings = line(columns.map(({ heading }) => heading));
  return [...(headings === "" ? [] : [headings]), ...rows.map(line)];
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
