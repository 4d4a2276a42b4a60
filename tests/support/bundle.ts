/** The bundle that users get, made from the sources as they are. */
import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { environment, root } from "../../scripts/environment.mjs";
import { temporaryFolder } from "./folder.ts";

/** A new folder with `dist` and `lib`. */
export function bundledFolder(): string {
  const folder = temporaryFolder();
  const options = ["--no-dts", "--silent", "--out-dir", join(folder, "dist")];
  execFileSync("tsup", options, {
    cwd: root,
    env: environment,
    stdio: ["ignore", "ignore", "inherit"],
  });
  symlinkSync(join(root, "lib"), join(folder, "lib"));
  return folder;
}
