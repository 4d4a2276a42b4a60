/** A name of the abstract namespace is known in one network namespace only, and a path everywhere. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { environment } from "../../scripts/environment.mjs";
import { Consumer, Producer } from "../../src/index.ts";
import type { MeetArguments, Meeting } from "../programs/meet.ts";
import { temporaryPaths } from "../support/folder.ts";
import { Program, runtimePath, thisRuntime } from "../support/program.ts";
import { within } from "../support/promises.ts";

const newPath = temporaryPaths();
const advice = /ECONNREFUSED.*network namespace.*container.*path in a folder that both/;

test("where nobody listens on an abstract name the error says that it may be another network's", () => {
  const path = `@zerocross-nobody-${process.pid}`;
  for (const options of [{ retry: false }, { timeout: 0 }]) {
    assert.throws(
      () => Consumer.connectSync(path, options),
      (error: Error) => advice.test(error.message),
    );
  }
});

test("of a path, which has nothing to do with networks, the error does not say so", () => {
  for (const options of [{ retry: false }, { timeout: 0 }]) {
    assert.throws(
      () => Consumer.connectSync(newPath(), options),
      (error: Error) => !error.message.includes("network"),
    );
  }
});

const { status, error, stderr } = spawnSync("unshare", ["--net", "true"], { encoding: "utf8" });
const skip = status !== 0 && `no network namespace can be made here: ${error ?? stderr}`;
if (skip !== false) console.log(`skipped: ${skip}`);

/** Starts meet.ts where there is no network but one of its own. */
function startElsewhere(args: MeetArguments): Program {
  const file = fileURLToPath(new URL("../programs/meet.ts", import.meta.url));
  const flags = thisRuntime === "deno" ? ["run", "--no-lock", "--no-check", "--allow-all"] : [];
  const command = [runtimePath(thisRuntime), ...flags, file, JSON.stringify(args)];
  const child = spawn("unshare", ["--net", "--", ...command], {
    env: environment,
    stdio: ["pipe", "pipe", "pipe"],
  });
  return new Program("meet", child, 20_000);
}

test("from another network namespace a path leads to the listener, and an abstract name does not", {
  skip,
}, async () => {
  const connect = { how: "connect", end: "consumer" } as const;
  const name = `@zerocross-elsewhere-${process.pid}`;
  const listening = Producer.listen(name, { signal: AbortSignal.timeout(20_000) });
  listening.catch(() => {});
  using lost = startElsewhere({ ...connect, path: name, options: { timeout: 100 } });
  assert.match((await within(lost.next<Meeting>(), 10_000)).error?.message ?? "", advice);
  // Whoever is in this network has it.
  (await Consumer.connect(name, { timeout: 5000 })).close();
  (await listening).close();

  const path = newPath();
  const accepted = Producer.listen(path, { timeout: 10_000 });
  using found = startElsewhere({ ...connect, path });
  using producer = await accepted;
  producer.sendSync(new TextEncoder().encode("hello"));
  await within(found.next<Meeting>());
  assert.equal((await within(found.next<Meeting>())).text, "hello");
});
