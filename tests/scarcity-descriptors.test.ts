/** No descriptors left, at every step of a rendezvous and on both sides of it. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { library } from "../ffi/load.ts";
import { Consumer, Producer, RpcClient, RpcResponder, SystemError } from "../src/index.ts";
import * as libc from "./peer/libc.ts";
import { openListener } from "./peer/rendezvous.ts";
import { limitForFree, resource, withLimit } from "./scarcity/kernel.ts";
import type { PartnerArguments, PartnerReport } from "./scarcity/programs/partner.ts";
import { startRestricted } from "./scarcity/restricted.ts";
import { temporaryPaths } from "./support/folder.ts";
import { addedDescriptors, channelMappings, openDescriptors } from "./support/memory.ts";
import { within } from "./support/promises.ts";

// Opening it takes descriptors of its own.
library();
const newPath = temporaryPaths();
const options = { timeout: 15_000 };
/** More than any rendezvous takes. */
const enough = 12;

interface Case {
  end: {
    readonly name: string;
    listenSync(path: string, options: object): Disposable;
    connectSync(path: string, options: object): Disposable;
  };
  how: PartnerArguments["how"];
  partner: PartnerArguments["end"];
  /** A file that nobody listens on stands at the path. */
  isStale?: boolean;
  /** Which call failed with none free, with one, and so on, until there were enough. */
  calls: string[];
}

const cases: Case[] = [
  {
    end: Consumer,
    how: "listenSync",
    partner: "Producer",
    calls: ["socket", "accept", "accept", "getsockopt", "memfd_create"],
  },
  {
    end: Consumer,
    how: "listenSync",
    partner: "Producer",
    isStale: true,
    calls: ["socket", "open", "open", "socket", "memfd_create"],
  },
  {
    end: RpcResponder,
    how: "listenSync",
    partner: "RpcClient",
    calls: ["socket", "accept", "accept", "getsockopt", "memfd_create", "memfd_create"],
  },
  {
    end: Producer,
    how: "connectSync",
    partner: "Consumer",
    calls: ["socket", "getsockopt", "recvmsg"],
  },
  {
    end: RpcClient,
    how: "connectSync",
    partner: "RpcResponder",
    calls: ["socket", "getsockopt", "recvmsg", "recvmsg"],
  },
];

for (const { end, how, partner, isStale = false, calls } of cases) {
  const where = isStale ? " over a stale file" : "";
  test(`${end.name}.${how}${where} fails by name for want of any descriptor, leaves nothing, and then succeeds`, async () => {
    const path = newPath();
    if (isStale) libc.close(openListener(path));
    const other = how === "listenSync" ? "connectSync" : "listenSync";
    const args: PartnerArguments = { path, end: partner, how: other };
    using program = startRestricted("partner", args);
    const failed: string[] = [];
    let met: Disposable | undefined;
    while (met === undefined) {
      const before = openDescriptors();
      const limit = limitForFree(failed.length);
      const wasThere = existsSync(path);
      try {
        met = withLimit(resource.descriptors, limit, () => end[how](path, options));
      } catch (error) {
        assert.ok(error instanceof SystemError, `${failed.length} free: ${error}`);
        assert.match(
          error.message,
          new RegExp(`\\(${path}\\): ${error.syscall} failed with EMFILE`),
        );
        assert.match(error.message, /too many descriptors open: close some, or raise its limit/);
        failed.push(error.syscall);
        assert.ok(failed.length <= enough);
        assert.deepEqual(addedDescriptors(before), []);
        assert.deepEqual(channelMappings(), []);
        if (how === "listenSync") assert.ok(!existsSync(path) || (isStale && wasThere));
      }
    }
    using _ = met;
    assert.deepEqual(failed, calls);
    const { failures } = await within(program.next<PartnerReport>(), 15_000);
    // A listener goes on with the next connector; a connector has to come again.
    if (how === "connectSync") assert.deepEqual(failures, []);
    for (const failure of failures) assert.match(failure, /^WireError.*or had no room for one/);
    program.tell();
    assert.equal((await program.ended).code, 0);
  });
}
