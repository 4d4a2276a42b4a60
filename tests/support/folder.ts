import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** A new folder, removed after the tests of the file that asks for it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "zerocross-test-"));
  after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A function that answers a path nobody used yet, in a temporary folder, with every call. */
export function temporaryPaths(): () => string {
  const folder = temporaryFolder();
  let paths = 0;
  return () => join(folder, `socket-${paths++}`);
}
