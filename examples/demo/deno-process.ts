// Starts receiver.ts in Deno, joined to this process by a pipe each way and a socket.

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { makePipe, makeSocketPair } from "./descriptors.ts";
import { ballSize, overDescriptors, type Transport } from "./ping-pong.ts";

/** Reading and writing is for the pipes, which it opens as /dev/fd/3 and 4. */
const permissions = ["--allow-ffi", "--allow-read", "--allow-write"];
const program = fileURLToPath(new URL("receiver.ts", import.meta.url));

export class DenoProcess implements Disposable {
  readonly #child: ChildProcess;
  readonly pipe: Transport;
  readonly socket: Transport;

  /** `name` is what the paths of the channels between the two begin with. */
  constructor(name: string) {
    const down = makePipe();
    const up = makePipe();
    const [near, far] = makeSocketPair();
    this.#child = startDeno(["run", "--quiet", ...permissions, program, name], {
      stdio: [far, far, "inherit", down.readEnd, up.writeEnd],
    });
    // With only the child holding these, its death shows as the end of the pipe.
    for (const descriptor of [far, down.readEnd, up.writeEnd]) closeSync(descriptor);
    this.pipe = overDescriptors(down.writeEnd, up.readEnd);
    this.socket = overDescriptors(near, near);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** It says hello by playing the first ball. */
  waitUntilUp(): void {
    this.pipe.receive(new Uint8Array(ballSize));
  }

  /** How it ended, once it has. */
  async ended(): Promise<string> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.signalCode === null ? `exit code ${child.exitCode}` : `signal ${child.signalCode}`;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

function startDeno(args: string[], options: SpawnOptions): ChildProcess {
  const child = spawn("deno", args, options);
  child.on("error", () => {}); // It has no pid then, which says the same.
  if (child.pid === undefined) {
    throw new Error(
      "Deno could not be started. `npm run demo` brings its own; otherwise put it on PATH",
    );
  }
  return child;
}
