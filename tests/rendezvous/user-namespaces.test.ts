/** In a user namespace every user without a number there has the same one, so the same may be a stranger. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { environment } from "../../scripts/environment.mjs";
import type { MeetArguments, Meeting } from "../programs/meet.ts";
import { Program, runtimePath, startProgram, thisRuntime } from "../support/program.ts";
import { within } from "../support/promises.ts";

const overflowUid = Number(readFileSync("/proc/sys/kernel/overflowuid", "utf8"));
const stranger = 1000;

/** Why these tests cannot be run here, or false. */
function reasonToSkip(): string | false {
  if (process.geteuid?.() !== 0) return "only root can become another user";
  const { status, error, stderr } = spawnSync("unshare", ["--user", "true"], { encoding: "utf8" });
  return status === 0 ? false : `no user namespace can be made here: ${error ?? stderr}`;
}

const skip = reasonToSkip();
if (skip !== false) console.log(`skipped: ${skip}`);

/** Starts meet.ts in a user namespace that has no number for anybody. */
function startUnmapped(args: MeetArguments): Program {
  const file = fileURLToPath(new URL("../programs/meet.ts", import.meta.url));
  const flags = thisRuntime === "deno" ? ["run", "--no-lock", "--no-check", "--allow-all"] : [];
  const command = [runtimePath(thisRuntime), ...flags, file, JSON.stringify(args)];
  const child = spawn("unshare", ["--user", "--", ...command], {
    env: environment,
    stdio: ["pipe", "pipe", "pipe"],
  });
  return new Program("meet", child, 20_000);
}

const why = new RegExp(
  `uid ${overflowUid},.*: ${overflowUid} is the overflow uid.*anybody.*\`authorize\``,
);
let names = 0;
const newName = () => `@zerocross-user-namespaces-${process.pid}-${names++}`;

test("without authorize a connector refuses a listener whose uid may be anybody's", {
  skip,
}, async () => {
  const path = newName();
  using listener = startProgram("meet", {
    path,
    how: "listen",
    end: "producer",
    user: stranger,
    trusts: true,
  } satisfies MeetArguments);
  using connector = startUnmapped({ path, how: "connect", end: "consumer" });
  const { error } = await within(connector.next<Meeting>(), 10_000);
  assert.equal(error?.name, "UnauthorizedError");
  assert.match(error?.message ?? "", why);
  assert.match(error?.message ?? "", new RegExp(`pid ${listener.pid},.*is not trusted`));
});

test("without authorize a listener sends away whose uid may be anybody's, and says so when its time is up", {
  skip,
}, async () => {
  const path = newName();
  const arg = { path, how: "connect", end: "producer", user: stranger, trusts: true } as const;
  using connector = startProgram("meet", { ...arg, waits: true });
  assert.equal((await within(connector.next<Meeting>(), 10_000)).ready, true);
  const options = { timeout: 2000 };
  using listener = startUnmapped({ path, how: "listen", end: "consumer", options });
  connector.tell();
  const refused = (await within(connector.next<Meeting>(), 10_000)).error;
  assert.match(refused?.message ?? "", /after 0 bytes.*may have refused this process/);
  const { error } = await within(listener.next<Meeting>(), 10_000);
  assert.equal(error?.name, "TimeoutError");
  assert.match(error?.message ?? "", why);
  assert.match(error?.message ?? "", new RegExp(`pid ${connector.pid},.*was sent away`));
});

test("with authorize both get together all the same", { skip }, async () => {
  const path = newName();
  const end = { path, trusts: true };
  using listener = startUnmapped({ ...end, how: "listen", end: "producer" });
  using connector = startUnmapped({ ...end, how: "connect", end: "consumer" });
  const { peer } = await within(listener.next<Meeting>(), 10_000);
  assert.deepEqual([peer?.pid, peer?.uid], [connector.pid, overflowUid]);
  await within(connector.next<Meeting>(), 10_000);
  assert.equal((await within(connector.next<Meeting>(), 10_000)).text, "hello");
});
