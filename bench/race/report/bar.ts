/** From one eighth of a character to all of it. */
const parts = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/** A bar as long as `share`, 0 to 1, of its room; the least is still seen. */
export function bar(share: number, room: number): string {
  const eighths = Math.max(1, Math.round(Math.min(1, share) * room * parts.length));
  const full = Math.floor(eighths / parts.length);
  return "█".repeat(full) + (parts[(eighths % parts.length) - 1] ?? "");
}

/** Where a value lies between two others when each step multiplies. */
export function logShare(value: number, from: number, to: number): number {
  return from === to ? 1 : Math.log(value / from) / Math.log(to / from);
}
