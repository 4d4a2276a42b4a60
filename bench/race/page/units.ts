/** Figures as the page writes them: three digits, a unit that fits, a space that does not break. */

const space = "\u00a0";

export function duration(ns: number): string {
  if (ns < 999.5) return `${digits(ns)}${space}ns`;
  if (ns < 999_500) return `${digits(ns / 1e3)}${space}µs`;
  if (ns < 999_500_000) return `${digits(ns / 1e6)}${space}ms`;
  return `${digits(ns / 1e9)}${space}s`;
}

/** In the one unit in which all mechanisms are easily compared, in running text. */
export function microseconds(ns: number): string {
  return `${digits(ns / 1e3, 2)}${space}µs`;
}

export function perSecond(messages: number): string {
  return `${scaled(messages)}/s`;
}

export function byteRate(bytes: number): string {
  return `${scaled(bytes)}B/s`;
}

export function byteSize(bytes: number): string {
  if (bytes >= 2 ** 20 && bytes % 2 ** 20 === 0) return `${bytes / 2 ** 20}${space}MiB`;
  if (bytes >= 2 ** 10 && bytes % 2 ** 10 === 0) return `${bytes / 2 ** 10}${space}KiB`;
  if (bytes >= 1e6 && bytes % 1e6 === 0) return `${bytes / 1e6}${space}MB`;
  return `${bytes}${space}B`;
}

/** Context switches for each message: 2, 0.5, 0.002. */
export function switches(value: number): string {
  if (value === 0) return "0";
  if (value < 0.0005) return "0.000";
  return String(Number(value.toFixed(value < 0.1 ? 3 : 2)));
}

/** System calls for each message: 4, 7.98; 0.00 is a stray call or two in a whole block. */
export function crossings(value: number): string {
  if (value > 0 && value < 0.005) return "0.00";
  return String(Number(value.toFixed(2)));
}

/** For a sentence: whole, where the stray calls of a block are all that is missing. */
export function aboutCrossings(value: number): string {
  const whole = Math.round(value);
  return Math.abs(value - whole) < 0.05 ? String(whole) : crossings(value);
}

/** The unit stands once where both ends have the same. */
export function range(low: number, high: number, format: (value: number) => string): string {
  const [from, to] = [format(low), format(high)];
  const [figure, unit] = from.split(space);
  const sameUnit = unit !== undefined && unit === to.split(space)[1];
  return sameUnit ? `${figure} to ${to}` : `${from} to ${to}`;
}

export function times(factor: number): string {
  return digits(factor, factor < 10 ? 2 : 3);
}

function scaled(value: number): string {
  if (value < 999.5) return `${digits(value)}${space}`;
  if (value < 999_500) return `${digits(value / 1e3)}${space}k`;
  if (value < 999_500_000) return `${digits(value / 1e6)}${space}M`;
  return `${digits(value / 1e9)}${space}G`;
}

/** Without an exponent, whatever the size; zeros at the end stay, so that columns keep their width. */
function digits(value: number, significant = 3): string {
  if (value === 0) return "0";
  const decimals = significant - 1 - Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(Math.max(decimals, 0), significant));
}
