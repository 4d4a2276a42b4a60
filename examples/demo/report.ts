// What the demo prints: a line that moves while it works, then figures, a table and bars.

import process from "node:process";
import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Colours only where there is a terminal that wants them. */
export function style(format: Style, text: string): string {
  return styleText(format, text, { stream: process.stdout, validateStream: true });
}

/** One line that is written over again in a terminal; elsewhere, a line every other second. */
export class Progress {
  readonly #inTerminal = process.stdout.isTTY;
  readonly #interval = this.#inTerminal ? 50 : 2000;
  #last = performance.now() - (this.#inTerminal ? this.#interval : 0);

  /** `text` is called when it is time to show something. */
  show(text: () => string): void {
    const now = performance.now();
    if (now - this.#last < this.#interval) return;
    this.#last = now;
    const columns = process.stdout.columns || 80;
    const line = `  ${text()}`.slice(0, columns - 1);
    process.stdout.write(this.#inTerminal ? eraseLine + line : `${line}\n`);
  }

  clear(): void {
    if (this.#inTerminal) process.stdout.write(eraseLine);
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}

const eraseLine = "\r\x1b[2K";

/** Columns of cells, the first one to the left, all others to the right. */
export function printTable(rows: string[][]): void {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const [index, row] of rows.entries()) {
    const cells = row.map((cell, column) => {
      const width = widths?.[column] ?? 0;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    const line = cells.join("  ");
    console.log(`  ${index === 0 ? style("dim", line) : line}`);
  }
}

/** One bar for each value, the longest of them as long as the terminal is wide. */
export function printBars(values: { name: string; value: number; label: string }[]): void {
  const nameWidth = Math.max(...values.map(({ name }) => name.length));
  const largest = Math.max(...values.map(({ value }) => value));
  for (const { name, value, label } of values) {
    const bar = drawBar((value / largest) * barWidth);
    console.log(`  ${name.padEnd(nameWidth)}  ${style("cyan", bar)} ${label}`);
  }
}

const barWidth = 40;

/** A bar in steps of an eighth of a character. */
function drawBar(length: number): string {
  const eighths = Math.max(1, Math.round(length * 8));
  const rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
  return "█".repeat(Math.floor(eighths / 8)) + rest;
}

export function formatTime(nanoseconds: number): string {
  if (nanoseconds < 1e3) return `${Math.round(nanoseconds)} ns`;
  if (nanoseconds < 1e6) return `${shorten(nanoseconds / 1e3)} µs`;
  return `${shorten(nanoseconds / 1e6)} ms`;
}

export function formatCount(count: number): string {
  return count.toLocaleString("en");
}

export function formatMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function shorten(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
