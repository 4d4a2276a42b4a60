/** A runner of the scripts that is interrupted leaves no process behind, also when it runs another one. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { afterEach, test } from "node:test";
import { fileURLToPath } from "node:url";

const bounds = { timeout: 10_000 };
const module = fileURLToPath(new URL("../../scripts/command.mjs", import.meta.url));

/** A program that runs `command`, and tells its own number and the exit code. */
function runnerOf(command: readonly string[], options: { seconds?: number } = {}): string[] {
  const program = `
    import { runCommand } from ${JSON.stringify(module)};
    console.log(process.pid);
    const code = await runCommand(${JSON.stringify(command)}, ${JSON.stringify(options)});
    console.log("ended with", code);`;
  return ["node", "--input-type=module", "--eval", program];
}

/** Its shell becomes `sleep` and keeps the number. */
const sleeper = ["sh", "-c", "echo $$; exec sleep 600"];

function start([program = "", ...args]: readonly string[]) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string | undefined> => (await lines.next()).value;
  return { child, next };
}

const started: string[] = [];

afterEach(() => {
  // Whoever is left would hold this process's own output.
  for (const pid of started.splice(0)) if (isAlive(pid)) process.kill(Number(pid), "SIGKILL");
});

function isAlive(pid: string): boolean {
  return existsSync(`/proc/${pid}`);
}

/** The numbers of the runner, of the one that it runs, and of what that one runs. */
async function readPids(next: () => Promise<string | undefined>): Promise<void> {
  for (let count = 0; count < 3; count++) {
    const pid = (await next()) ?? "nothing";
    assert.match(pid, /^\d+$/);
    started.push(pid);
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  test(
    `${signal} ends a runner, the runner that it runs, and what that one runs`,
    bounds,
    async () => {
      const { child, next } = start(runnerOf(runnerOf(sleeper)));
      await readPids(next);
      process.kill(child.pid as number, signal);
      const [code] = await once(child, "exit");
      assert.equal(code, { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
      assert.equal(await next(), undefined);
      assert.deepEqual(started.filter(isAlive), []);
    },
  );
}

test("the time limit ends them as well", bounds, async () => {
  const { child, next } = start(runnerOf(runnerOf(sleeper), { seconds: 1 }));
  await readPids(next);
  assert.equal(await next(), "ended with 124");
  await once(child, "exit");
  assert.deepEqual(started.filter(isAlive), []);
});
