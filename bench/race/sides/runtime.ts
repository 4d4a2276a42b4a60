/** What a runtime wants to be given before a script. */
export const runtimeFlags: readonly string[] =
  "Bun" in globalThis ? [] : ["run", "-A", "--no-check", "--no-lock"];

export function runtimeName(): string {
  const { bun, deno } = process.versions;
  return bun === undefined ? `Deno ${deno}` : `Bun ${bun}`;
}
