/** What keeps a process alive, and what does not. Nothing here is closed at the end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcClient } from "../../src/index.ts";
import type { RpcLifeArguments } from "../programs/rpc-life.ts";
import { bothRuntimes, type Runtime, startProgram } from "../support/program.ts";
import { newRpcName } from "../support/rpc-in-thread.ts";
import { startServer } from "../support/rpc-server.ts";

const patience = { timeout: 10_000 };

function startLife(args: RpcLifeArguments, runtime: Runtime, timeoutMs = 5000) {
  return startProgram("rpc-life", args, { runtime, timeoutMs });
}

const clients = {
  idle: "a client that never called",
  idleSync: "a client that connected blocking and never called",
  called: "a client whose calls are over",
  timedOut: "a client whose call timed out",
  aborted: "a client whose call was aborted",
  deliveredSync: "a client whose last reply came to a call that blocked",
  closed: "a client that was closed with a call under way",
  bereft: "a client whose server died",
};

for (const runtime of bothRuntimes) {
  for (const [what, who] of Object.entries(clients)) {
    test(`${who} lets its process end in ${runtime}`, async () => {
      const path = newRpcName();
      using _server = startServer({ path, how: "serve" });
      using program = startLife({ path, what: what as keyof typeof clients }, runtime);
      assert.deepEqual(await program.next(), { done: what });
      assert.deepEqual(await program.ended, { code: 0, signal: null, errors: "" });
    });
  }

  for (const what of ["served", "servedUntilAsked", "servedUntilLeft", "servedNobody"] as const) {
    test(`a server that was stopped lets its process end in ${runtime} (${what})`, async () => {
      using program = startLife({ path: newRpcName(), what }, runtime);
      assert.deepEqual(await program.next(), { done: what });
      assert.deepEqual(await program.ended, { code: 0, signal: null, errors: "" });
    });
  }

  test(`a call that is under way keeps its process alive in ${runtime}`, async () => {
    const path = newRpcName();
    using _server = startServer({ path, how: "serve" });
    using program = startLife({ path, what: "pending" }, runtime);
    assert.deepEqual(await program.next(), { done: "pending" });
    assert.deepEqual(await program.next(), { replied: true });
    assert.deepEqual(await program.ended, { code: 0, signal: null, errors: "" });
  });

  test(`a server keeps its process alive in ${runtime}, with a client and without`, async () => {
    const path = newRpcName();
    using program = startLife({ path, what: "serving" }, runtime, 10_000);
    assert.deepEqual(await program.next(), { done: "serving" });
    for (let i = 0; i < 3; i++) {
      // Far longer than a process takes to end that nothing keeps.
      await new Promise((resolve) => setTimeout(resolve, 150));
      using client = RpcClient.connectSync(path, patience);
      assert.deepEqual([...client.callSync(Uint8Array.of(i), patience).bytes], [i]);
    }
    program.kill("SIGTERM");
    assert.equal((await program.ended).signal, "SIGTERM");
  });
}
