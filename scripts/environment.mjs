// Where the tools lie and what they are told. Everything they write stays inside the checkout, so a
// read-only home directory is no obstacle and removing the checkout removes it all.

import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

const modules = join(root, "node_modules");
const bunArch = process.arch === "arm64" ? "aarch64" : process.arch;

// The binaries themselves come before .bin, which has wrappers in their place, and killing a wrapper
// leaves what it started running.
const toolFolders = [
  join(modules, "@oven", `bun-linux-${bunArch}`, "bin"),
  join(modules, "@deno", `linux-${process.arch}-glibc`),
  join(modules, "@zigc", `linux-${process.arch}`, "bin"),
  join(modules, ".bin"),
];

/** The environment of every tool: `bun`, `deno`, `zig` and the checkers are on its PATH. */
export const environment = {
  ...process.env,
  PATH: [...toolFolders, process.env.PATH].join(delimiter),
  ZIG_LOCAL_CACHE_DIR: join(root, ".zig-cache"),
  ZIG_GLOBAL_CACHE_DIR: join(root, ".zig-cache", "global"),
  DENO_DIR: join(modules, ".cache", "deno"),
  DENO_NO_UPDATE_CHECK: "1",
};
