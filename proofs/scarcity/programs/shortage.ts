/**
 * Meets a partner with no free descriptor, with one, and so on, until there are enough. In a process of its
 * own: another test's worker that ends meanwhile would give some back.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { library } from "../../../ffi/load.ts";
import { Consumer, Producer, RpcClient, RpcResponder, SystemError } from "../../../src/index.ts";
import * as libc from "../../../tests/peer/libc.ts";
import { openListener } from "../../../tests/peer/rendezvous.ts";
import { print, programArguments } from "../../../tests/support/child.ts";
import {
  addedDescriptors,
  channelMappings,
  openDescriptors,
} from "../../../tests/support/memory.ts";
import { within } from "../../../tests/support/promises.ts";
import { limitForFree, resource, withLimit } from "../kernel.ts";
import { startRestricted } from "../restricted.ts";
import type { PartnerArguments, PartnerReport } from "./partner.ts";

export interface ShortageArguments {
  readonly path: string;
  readonly end: keyof typeof ends;
  readonly how: PartnerArguments["how"];
  readonly partner: PartnerArguments["end"];
  /** A file that nobody listens on stands at the path. */
  readonly isStale: boolean;
}

export interface ShortageReport extends PartnerReport {
  /** Which call failed with none free, with one, and so on. */
  readonly calls: string[];
}

/** More than any rendezvous takes. */
const enough = 12;
const patience = { timeout: 15_000 };
const ends = { Consumer, Producer, RpcClient, RpcResponder };

const { path, end, how, partner, isStale } = programArguments<ShortageArguments>();
// Opening it takes descriptors of its own.
library();
if (isStale) libc.close(openListener(path));
const other = how === "listenSync" ? "connectSync" : "listenSync";
using program = startRestricted("partner", { path, end: partner, how: other });
const calls: string[] = [];
let met: Disposable | undefined;
while (met === undefined) {
  const before = openDescriptors();
  const limit = limitForFree(calls.length);
  const wasThere = existsSync(path);
  try {
    met = withLimit(resource.descriptors, limit, () => ends[end][how](path, patience));
  } catch (error) {
    assert.ok(error instanceof SystemError, `${calls.length} free: ${error}`);
    assert.match(error.message, new RegExp(`\\(${path}\\): ${error.syscall} failed with EMFILE`));
    assert.match(error.message, /too many descriptors open: close some, or raise its limit/);
    calls.push(error.syscall);
    assert.ok(calls.length <= enough);
    assert.deepEqual(addedDescriptors(before), []);
    assert.deepEqual(channelMappings(), []);
    if (how === "listenSync") assert.ok(!existsSync(path) || (isStale && wasThere));
  }
}
using _ = met;
const { failures } = await within(program.next<PartnerReport>(), 15_000);
program.tell();
assert.equal((await program.ended).code, 0);
print({ calls, failures } satisfies ShortageReport);
