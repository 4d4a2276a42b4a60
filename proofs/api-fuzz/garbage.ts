const runtime = globalThis as unknown as { Bun?: { gc(now: boolean): void }; gc?: () => void };

/** Deno has to be started with `--v8-flags=--expose-gc`. */
export function collectGarbage(): void {
  if (runtime.Bun) runtime.Bun.gc(true);
  else if (runtime.gc) runtime.gc();
  else
    throw new Error(
      "the garbage collector cannot be called: start Deno with --v8-flags=--expose-gc",
    );
}
