/** Told what is at work. */
export type Step = (what: string) => void;

const intervalMs = 100;
let shown = 0;

/** One line on the terminal that changes, where somebody is watching. */
export function showProgress(text: string): void {
  const now = performance.now();
  if (!process.stderr.isTTY || (text !== "" && now - shown < intervalMs)) return;
  shown = now;
  process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
}
