/**
 * Names that are exchanged while a listener looks, binds, sets the mode and removes: whatever it meets,
 * a file that is not its own stays as it is. Only a name may go that whoever exchanges names could have
 * removed too. ZEROCROSS_ROUNDS says how often it listens at least.
 */
import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type {
  ContestedArguments,
  ContestedReport,
} from "../../proofs/scarcity/programs/contested.ts";
import { startRestricted } from "../../proofs/scarcity/restricted.ts";
import * as libc from "../peer/libc.ts";
import { openListener } from "../peer/rendezvous.ts";
import { temporaryFolder } from "../support/folder.ts";
import { within } from "../support/promises.ts";

const rounds = Number(process.env.ZEROCROSS_ROUNDS ?? 100);
const timeoutMs = 20_000 + 10 * rounds;

/** What the attacker puts in the place of the socket's file. */
const baits = { "a symlink to a file": "symlink", "another name of a file": "link" } as const;
const kernels = { "this kernel": [], "a kernel without fchmodat2": ["--deny", "fchmodat2=ENOSYS"] };

const neverMet = "the two processes never met: they need a core each";
const isUncontested = (ends: ContestedReport) => Object.keys(ends).length < 2;

/** Runs a listener against somebody who exchanges `first` and `second`. */
async function contest(
  names: { first: string; second: string },
  args: ContestedArguments,
  restrictions: string[] = [],
): Promise<ContestedReport> {
  using swapper = startRestricted("swapper", names, { timeoutMs });
  assert.equal(await within(swapper.next<string>()), "ready");
  using listener = startRestricted("contested", args, { restrictions, timeoutMs });
  const ends = await within(listener.next<ContestedReport>(), timeoutMs);
  console.log(`${rounds} rounds: ${JSON.stringify(ends)}`);
  return ends;
}

for (const [bait, make] of Object.entries(baits)) {
  for (const [kernel, restrictions] of Object.entries(kernels)) {
    test(`${bait} that takes the socket's place leaves the file as it is, on ${kernel}`, async (context) => {
      const folder = temporaryFolder();
      const precious = join(folder, "precious");
      const [first, second] = [join(folder, "socket"), join(folder, "bait")];
      writeFileSync(precious, "precious", { mode: 0o600 });
      const { ino, mode } = lstatSync(precious);
      const args = { path: first, rounds, bait: { make, at: second, to: precious } };
      const ends = await contest({ first, second }, args, restrictions);
      const after = lstatSync(precious);
      assert.deepEqual([after.ino, after.mode], [ino, mode]);
      assert.equal(readFileSync(precious, "utf8"), "precious");
      if (isUncontested(ends)) context.skip(neverMet);
    });
  }
}

test("a folder that takes the place of the socket's keeps what is in it", async (context) => {
  const folder = temporaryFolder();
  const [contested, foreign] = [join(folder, "contested"), join(folder, "foreign")];
  for (const made of [contested, foreign]) mkdirSync(made);
  const taken = join(foreign, "socket");
  const listener = openListener(taken);
  const { ino, mode } = lstatSync(taken);
  // The attacker's folder has a file that may be removed, the other one a file that may not.
  const path = join(contested, "socket");
  const names = { first: contested, second: foreign };
  const ends = await contest(names, { path, rounds, staleIn: contested });
  const found = [path, taken].map((at) => lstatSync(at, { throwIfNoEntry: false }));
  const kept = found.find((stat) => stat?.ino === ino);
  assert.equal(kept?.mode, mode, "the file of the one who listens is there, and has its mode");
  libc.close(listener);
  if (isUncontested(ends)) context.skip(neverMet);
});
