// A copy of the working tree, in which the tests run against another library.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "../../scripts/environment.mjs";

/** About the files that are shipped, which the measured library is none of; the first makes its own. */
const leftOut = ["tests/project/package.test.ts", "tests/ffi/library.test.ts"];

/**
 * @param {string} library The file that takes the place of this platform's.
 * @returns {string} The folder, which goes when this process does.
 */
export function copyTree(library) {
  const folder = mkdtempSync(join(tmpdir(), "zerocross-coverage-"));
  // Some tests run as another user.
  chmodSync(folder, 0o755);
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const listed = spawnSync("git", ["ls-files", "-coz", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  if (listed.status !== 0) throw new Error(`git does not list the files: ${listed.stderr}`);
  for (const path of listed.stdout.split("\0").filter(Boolean)) {
    // A file that git knows may have been removed since.
    if (leftOut.includes(path) || !existsSync(join(root, path))) continue;
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    cpSync(join(root, path), join(folder, path));
  }
  for (const path of ["node_modules", ".zig-cache"])
    symlinkSync(join(root, path), join(folder, path));
  cpSync(join(root, "lib"), join(folder, "lib"), { recursive: true });
  cpSync(library, join(folder, "lib", `linux-${process.arch}`, "libzerocross.so"));
  return folder;
}
