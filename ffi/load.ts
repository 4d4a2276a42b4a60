import { fileURLToPath } from "node:url";
import { openInBun } from "./bun.ts";
import { openInDeno } from "./deno.ts";
import type { Library } from "./library.ts";
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
  const opened = openInRuntime(path);
  const abi = opened.calls.zc_abi();
  if (abi !== numbers.abi) {
    throw new LoadError(
      `${path} has ABI ${abi}, and this version of zerocross needs ${numbers.abi}. ` +
        "The two come from different versions: install the package again.",
    );
  }
  return opened;
}

function openInRuntime(path: string): Library {
  const open = runtimeOpener();
  try {
    return open(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LoadError(`zerocross could not load its native library: ${reason} (${path})`, {
      cause,
    });
  }
}

function runtimeOpener(): (path: string) => Library {
  if ("Bun" in globalThis) return openInBun;
  if ("Deno" in globalThis) return openInDeno;
  throw new LoadError(
    "zerocross runs in Bun and Deno; this is neither. Start the program with `bun` or `deno run --allow-ffi`.",
  );
}
