import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("server.ts", import.meta.url));

/** Starts the answering process of a mechanism in this runtime, and waits until it is ready. */
export async function startServer(mechanism: string, path: string): Promise<ChildProcess> {
  const child = mechanism === "process.send" ? forkServer(path) : spawnServer(mechanism, path);
  if (child.stdout === null) throw new Error("the standard output of a server is not a pipe");
  const failed = once(child, "exit").then(() => Promise.reject(new Error("a server has ended")));
  // Afterwards it is the mechanism that tells.
  failed.catch(() => {});
  await Promise.race([once(child.stdout, "data"), failed]);
  return child;
}

function forkServer(path: string): ChildProcess {
  return fork(script, ["process.send", path], { stdio: ["pipe", "pipe", "inherit", "ipc"] });
}

function spawnServer(mechanism: string, path: string): ChildProcess {
  const flags = "Bun" in globalThis ? [] : ["run", "-A", "--no-check", "--no-lock"];
  return spawn(process.execPath, [...flags, script, mechanism, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
}
