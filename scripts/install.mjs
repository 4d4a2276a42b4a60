// Fetches the tools: the only step that needs the network.

import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { root } from "./environment.mjs";

const lock = join(root, "package-lock.json");
/** A copy of the lock file that node_modules was last filled from. */
const installedLock = join(root, "node_modules", ".installed-lock.json");

/** Fills node_modules when it is missing or does not match the lock file; ends the process if it cannot. */
export async function installTools() {
  if (existsSync(installedLock) && readFileSync(installedLock).equals(readFileSync(lock))) return;
  console.log("Installing Zig, Bun, Deno and the checkers with npm: about 750 MB, a minute or so.");
  // Not `npm ci`: it wants every platform's packages in the lock file, and a mirror of the registry
  // need not carry those that nobody asked it for. No package needs its install scripts here:
  // environment.mjs finds the binaries where they were unpacked.
  const code = await runCommand([
    "npm",
    "install",
    "--no-save",
    "--ignore-scripts",
    "--loglevel=error",
  ]);
  if (code !== 0) {
    console.error(`npm install failed with exit code ${code}.`);
    process.exit(code);
  }
  copyFileSync(lock, installedLock);
}
