import { fileURLToPath } from "node:url";
import { bunOpener } from "./bun.ts";
import { denoOpener } from "./deno.ts";
import type { Library, Opener } from "./library.ts";
import { numbers } from "./table.ts";

/** Why the native library cannot be used here. */
export class LoadError extends Error {
  override readonly name = "LoadError";
}

const supportedPlatforms = ["linux-x64", "linux-arm64"];

let loaded: Library | undefined;

/**
 * The native library, opened at the first call and shared from then on.
 *
 * @throws {LoadError} when this system or runtime has none, or the file does not fit this code.
 */
export function library(): Library {
  loaded ??= load();
  return loaded;
}

function load(): Library {
  const platform = `${process.platform}-${process.arch}`;
  if (!supportedPlatforms.includes(platform)) {
    throw new LoadError(
      `zerocross runs on ${supportedPlatforms.join(" and ")}; this is ${platform}. ` +
        "Run it on Linux, in a container or a virtual machine.",
    );
  }
  const path = fileURLToPath(new URL(`../lib/${platform}/libzerocross.so`, import.meta.url));
  const opener = runtimeOpener();
  const abi = attempt(path, opener.abi);
  if (abi !== numbers.abi) {
    throw new LoadError(
      `${path} has ABI ${abi}, and this version of zerocross needs ${numbers.abi}. ` +
        "The two come from different versions: install the package again.",
    );
  }
  return attempt(path, opener.open);
}

function attempt<Result>(path: string, step: (path: string) => Result): Result {
  try {
    return step(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LoadError(
      `zerocross could not load its native library: ${reason} (${path}). ${adviceOn(reason)}`.trimEnd(),
      { cause },
    );
  }
}

/** What the loader says does not tell a user what to do. */
function adviceOn(reason: string): string {
  if (!reason.includes("failed to map segment")) return "";
  return (
    "Its folder is probably mounted noexec, so that nothing in it may be executed: " +
    "put node_modules elsewhere, or have the folder mounted without noexec."
  );
}

function runtimeOpener(): Opener {
  if ("Bun" in globalThis) return bunOpener;
  if ("Deno" in globalThis) return denoOpener;
  throw new LoadError(
    "zerocross runs in Bun and Deno; this is neither. Start the program with `bun` or `deno run --allow-ffi`.",
  );
}
