/** No descriptors left, at every step of a rendezvous and on both sides of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ShortageArguments, ShortageReport } from "../../proofs/scarcity/programs/shortage.ts";
import { startRestricted } from "../../proofs/scarcity/restricted.ts";
import { temporaryPaths } from "../support/folder.ts";

const newPath = temporaryPaths();

interface Case extends Omit<ShortageArguments, "path" | "isStale"> {
  readonly isStale?: boolean;
  /** Which call failed with none free, with one, and so on, until there were enough. */
  readonly calls: string[];
}

const cases: Case[] = [
  {
    end: "Consumer",
    how: "listenSync",
    partner: "Producer",
    calls: ["socket", "accept", "accept", "getsockopt", "memfd_create"],
  },
  {
    end: "Consumer",
    how: "listenSync",
    partner: "Producer",
    isStale: true,
    calls: ["socket", "open", "open", "socket", "memfd_create"],
  },
  {
    end: "RpcResponder",
    how: "listenSync",
    partner: "RpcClient",
    calls: ["socket", "accept", "accept", "getsockopt", "memfd_create", "memfd_create"],
  },
  {
    end: "Producer",
    how: "connectSync",
    partner: "Consumer",
    calls: ["socket", "getsockopt", "recvmsg"],
  },
  {
    end: "RpcClient",
    how: "connectSync",
    partner: "RpcResponder",
    calls: ["socket", "getsockopt", "recvmsg", "recvmsg"],
  },
];

for (const { calls, isStale = false, ...meeting } of cases) {
  const where = isStale ? " over a stale file" : "";
  const call = `${meeting.end}.${meeting.how}${where}`;
  test(`${call} fails by name for want of any descriptor, leaves nothing, and then succeeds`, async () => {
    const args: ShortageArguments = { ...meeting, isStale, path: newPath() };
    using program = startRestricted("shortage", args);
    const found = await program.next<ShortageReport>();
    assert.deepEqual(found.calls, calls);
    // A listener goes on with the next connector; a connector has to come again.
    if (meeting.how === "connectSync") assert.deepEqual(found.failures, []);
    for (const failure of found.failures) {
      assert.match(failure, /^WireError.*or had no room for one/);
    }
    assert.equal((await program.ended).code, 0);
  });
}
