/** The mechanisms that a reader looks for first. The others are drawn as well, fainter. */
const highlighted: ReadonlySet<string> = new Set([
  "native/ring-spin",
  "native/ring-sleep",
  "native/pipe",
  "native/unix-stream",
  "native/tcp",
  "native/posix-spin",
  "native/memfd-eventfd",
  ...["bun", "deno"].flatMap((runtime) =>
    [
      "zerocross-spin",
      "zerocross-async",
      "zerocross-batch",
      "stdio",
      "net-unix",
      "net-tcp",
      "fetch-unix",
      "process-send",
      "post-message",
    ].map((program) => `${runtime}/${program}`),
  ),
]);

export function isHighlighted(id: string): boolean {
  return highlighted.has(id);
}
