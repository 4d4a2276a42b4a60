import type { Figure, Unit } from "../result.ts";
import { spread } from "../statistics.ts";

/** Three digits are as many as the noise leaves. */
function digits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

export function duration(ns: number): string {
  if (ns < 0.05) return "0";
  if (ns < 999.5) return `${ns < 9.995 ? ns.toFixed(1) : digits(ns)} ns`;
  if (ns < 999_500) return `${digits(ns / 1e3)} µs`;
  if (ns < 999.5e6) return `${digits(ns / 1e6)} ms`;
  return `${digits(ns / 1e9)} s`;
}

/** With the letter that stands for a thousand, a million and so on. */
export function amount(value: number): string {
  if (value < 999.5) return digits(value);
  if (value < 999_500) return `${digits(value / 1e3)}k`;
  if (value < 999.5e6) return `${digits(value / 1e6)}M`;
  return `${digits(value / 1e9)}G`;
}

export function perSecond(rate: number): string {
  return `${amount(rate)}/s`;
}

export function spreadOf(figure: Figure): string {
  const percent = spread(figure) * 100;
  return `±${percent < 0.95 ? percent.toFixed(1) : percent.toFixed(0)}%`;
}

/** System calls or switches for one message: whole ones without a fraction, none at all as 0. */
export function perOne(count: number): string {
  return count.toFixed(2).replace(/\.?0+$/, "");
}

export function bytes(size: number): string {
  const units = ["B", "KiB", "MiB"];
  let value = size;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}

/** A figure of a scenario. */
export function inUnit(value: number, unit: Unit): string {
  if (unit === "ms" || unit === "µs") return duration(value * (unit === "ms" ? 1e6 : 1e3));
  const figure = Number.isInteger(value) && value < 1e4 ? String(value) : amount(value);
  if (unit === "times" || unit === "") return figure;
  return unit === "/s" ? `${figure}/s` : `${figure} ${unit}`;
}
