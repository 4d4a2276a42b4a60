/** Kernels and sandboxes that lack a call: each has something in its place, or an error that names it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  ExchangeArguments,
  ExchangeReport,
  Outcomes,
} from "../../proofs/scarcity/programs/exchange.ts";
import type { PartnerArguments } from "../../proofs/scarcity/programs/partner.ts";
import { asRoot, startRestricted } from "../../proofs/scarcity/restricted.ts";
import { temporaryPaths } from "../support/folder.ts";

const newPath = temporaryPaths();

/** What is denied, and what is said of it where nothing can stand in for it. */
const sandboxes: Record<string, RegExp | "works"> = {
  "pidfd_open=ENOSYS": "works",
  "SO_PEERPIDFD=ENOPROTOOPT": "works",
  "SO_PEERPIDFD=ENOPROTOOPT pidfd_open=ENOSYS": "works",
  "SO_PEERPIDFD=EPERM pidfd_open=EPERM": "works",
  "futex_waitv=ENOSYS": "works",
  "futex_waitv=EPERM": "works",
  "MFD_NOEXEC_SEAL=EINVAL": "works",
  "fchmodat2=ENOSYS": "works",
  "fchmodat2=EPERM": "works",
  "flock=ENOSYS": "works",
  "listen=EACCES": /listen failed with EACCES.*allow that call/,
  "memfd_create=ENOSYS": /memfd_create failed with ENOSYS.*sandbox forbids it: allow that call/,
  "memfd_create=EPERM": /memfd_create failed with EPERM.*sandbox forbids it: allow that call/,
  "fallocate=ENOSYS": /fallocate failed with ENOSYS.*sandbox forbids it: allow that call/,
  "statx=ENOSYS": /lstat failed with ENOSYS.*sandbox forbids it: allow that call/,
};

async function exchange(args: ExchangeArguments, restrictions: string[] = []): Promise<Outcomes> {
  using program = startRestricted("exchange", args, { restrictions });
  const { outcomes, added, mappings } = await program.next<ExchangeReport>();
  assert.deepEqual(added, []);
  assert.deepEqual(mappings, []);
  return outcomes;
}

const works: Outcomes = { channel: "ok", mode: "ok", serve: "ok", responder: "ok", fanIn: "ok" };

test("with everything there, all of it works", async () => {
  assert.deepEqual(await exchange({ path: newPath() }), works);
});

for (const [denied, expected] of Object.entries(sandboxes)) {
  const verdict = expected === "works" ? "everything works" : "the error names the call";
  test(`without ${denied} ${verdict}, and nothing is left`, async () => {
    const restrictions = denied.split(" ").flatMap((denial) => ["--deny", denial]);
    const outcomes = await exchange({ path: newPath() }, restrictions);
    if (expected === "works") return assert.deepEqual(outcomes, works);
    const { fanIn, ...others } = outcomes;
    for (const outcome of Object.values(others)) assert.match(outcome, expected);
    // Nobody is told what keeps a FanIn from taking a producer in, but that producer.
    assert.notEqual(fanIn, "ok");
  });
}

for (const how of ["receive", "receiveSync"] as const) {
  test(`without any pidfd the death of a peer is noticed by ${how}`, async () => {
    const path = newPath();
    const args: PartnerArguments = { path, end: "Producer", how: "listenSync" };
    using partner = startRestricted("partner", args);
    const restrictions = ["--deny", "SO_PEERPIDFD=ENOPROTOOPT", "--deny", "pidfd_open=ENOSYS"];
    using mourner = startRestricted("mourner", { path, how }, { restrictions });
    assert.equal(await mourner.next<string>(), "waiting");
    partner.kill();
    // A pid says so only when its process was reaped, which this one does in its own time.
    await partner.ended;
    const reapedAt = Date.now();
    const { name, at } = await mourner.next<{ name: string; at: number }>();
    assert.equal(name, "PeerDiedError");
    assert.ok(at - reapedAt < 1000, `${at - reapedAt} ms`);
  });
}

test("without /proc everything works, on paths and on abstract names", asRoot, async () => {
  assert.deepEqual(await exchange({ path: newPath(), hidesProc: true }), works);
  const name = `@zerocross-no-proc-${process.pid}`;
  assert.deepEqual(await exchange({ path: name, hidesProc: true }), works);
});
