/** The short form of proofs/chaos: processes of both runtimes are killed, stopped, and rained upon. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { crowdAtFanIn, crowdAtServer } from "../../proofs/chaos/crowd.ts";
import { markedLibrary } from "../../proofs/chaos/marks.ts";
import { runRounds } from "../../proofs/chaos/run.ts";
import { temporaryFolder } from "../support/folder.ts";
import { printedSeed } from "../support/seed.ts";

const seed = printedSeed();
const folder = temporaryFolder();
const bounds = {
  timeout: 60_000,
  skip: existsSync(markedLibrary)
    ? false
    : `${markedLibrary} is not built; zig build chaos does so`,
};

test("who is left gets all that was published, in order, and the right end", bounds, async () => {
  const wanted = { kill: 16, stop: 4, storm: 3 };
  const { struck } = await runRounds({ seed, folder, wanted });
  assert.deepEqual(struck, wanted);
});

test("a server goes on for its other clients while some are killed", bounds, async () => {
  assert.ok((await crowdAtServer({ seed, folder, kills: 8 })) > 0);
});

test("a fan-in goes on for its other producers while some are killed", bounds, async () => {
  assert.ok((await crowdAtFanIn({ seed, folder, kills: 8 })) > 0);
});
