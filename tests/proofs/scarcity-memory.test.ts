/** No memory, no addresses, no room in a file system: an error that says so, and nothing left behind. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { type Resource, resource, withLimit } from "../../proofs/scarcity/kernel.ts";
import type { FullArguments, FullReport } from "../../proofs/scarcity/programs/full.ts";
import type {
  InFlightArguments,
  InFlightReport,
} from "../../proofs/scarcity/programs/in-flight.ts";
import type { LargeArguments } from "../../proofs/scarcity/programs/large.ts";
import type { PartnerArguments, PartnerReport } from "../../proofs/scarcity/programs/partner.ts";
import { asRoot, startRestricted } from "../../proofs/scarcity/restricted.ts";
import { Consumer, Producer, RpcClient, RpcResponder } from "../../src/index.ts";
import type { Meeting } from "../programs/meet.ts";
import { temporaryFolder, temporaryPaths } from "../support/folder.ts";
import { openChannel } from "../support/in-thread.ts";
import {
  addedDescriptors,
  addressSpace,
  channelMappings,
  channelMappingsLeft,
  openDescriptors,
} from "../support/memory.ts";
import { within } from "../support/promises.ts";

const newPath = temporaryPaths();
const capacity = 16 * 2 ** 20;
const options = { capacity, timeout: 15_000 };
const nobody = 65534;

// Limits of the process

interface Limited {
  meet(path: string): Disposable;
  partner: Pick<PartnerArguments, "end" | "how">;
  resource: Resource;
  limit: () => number;
  message: RegExp;
}

/** So much address space is left, besides what the runtime takes meanwhile. */
const leaving = (bytes: number) => () => addressSpace() + bytes;
const noAddresses = /mmap failed with ENOMEM.*smaller `capacity`, or raise the limit/;

const limited: Record<string, Limited> = {
  "a listener, beyond the size that a file may have": {
    meet: (path) => Consumer.listenSync(path, options),
    partner: { end: "Producer", how: "connectSync" },
    resource: resource.fileSize,
    limit: () => capacity,
    message: /ftruncate failed with EFBIG.*smaller `capacity`, or raise the limit \(ulimit -f\)/,
  },
  "a listener without addresses for its memory": {
    meet: (path) => Consumer.listenSync(path, options),
    partner: { end: "Producer", how: "connectSync" },
    resource: resource.addressSpace,
    limit: leaving(capacity / 2),
    message: noAddresses,
  },
  "a listener without addresses for the second memory": {
    meet: (path) => RpcResponder.listenSync(path, options),
    partner: { end: "RpcClient", how: "connectSync" },
    resource: resource.addressSpace,
    limit: leaving(capacity * 1.5),
    message: noAddresses,
  },
  "a connector without addresses for the memory": {
    meet: (path) => Producer.connectSync(path, options),
    partner: { end: "Consumer", how: "listenSync" },
    resource: resource.addressSpace,
    limit: leaving(capacity / 2),
    message: noAddresses,
  },
  "a connector without addresses for the second memory": {
    meet: (path) => RpcClient.connectSync(path, options),
    partner: { end: "RpcResponder", how: "listenSync" },
    resource: resource.addressSpace,
    limit: leaving(capacity * 1.5),
    message: noAddresses,
  },
};

for (const [who, { meet, partner, resource, limit, message }] of Object.entries(limited)) {
  test(`${who} fails by name, leaves nothing, and then succeeds`, async () => {
    const path = newPath();
    const args: PartnerArguments = { path, capacity, ...partner };
    using program = startRestricted("partner", args);
    const before = openDescriptors();
    const meetLimited = () => withLimit(resource, BigInt(limit()), () => meet(path));
    assert.throws(meetLimited, { name: "SystemError", message });
    assert.deepEqual(addedDescriptors(before), []);
    assert.deepEqual(await channelMappingsLeft(), []);
    if (partner.how === "connectSync") assert.equal(existsSync(path), false);

    meet(path)[Symbol.dispose]();
    const { failures } = await within(program.next<PartnerReport>(), 15_000);
    // A listener goes on with the next connector; a connector has to come again.
    if (partner.how === "listenSync") assert.deepEqual(failures, []);
    for (const failure of failures) assert.match(failure, /^WireError.*or had no room for one/);
    assert.deepEqual(await channelMappingsLeft(), []);
    program.tell();
    assert.equal((await program.ended).code, 0);
  });
}

test("where no more may be private there is no view, and a view of what is closed shows zeros", () => {
  // In Deno a slot keeps the addresses that were once seen: no other test of this process has as many.
  using channel = openChannel({ capacity: 2 ** 24 });
  const { arena, consumer, producer } = channel;
  producer.trySend(new Uint8Array(50).fill(1));
  const batch = consumer.tryDrain();
  const view = batch?.bytes(0) as Uint8Array;
  batch?.release();
  const published = arena.ring.slice();
  // Nobody has seen the producer's memory yet.
  withLimit(resource.data, 4096n, () => {
    const slot = producer.tryClaim(8);
    assert.throws(() => slot?.bytes, {
      name: "SystemError",
      message: /^reading or writing in place .*mmap failed with ENOMEM/,
    });
    slot?.rollback();
    assert.ok(producer.trySend(new Uint8Array(50).fill(1)));
    consumer.close();
  });
  assert.ok(view.every((byte) => byte === 0));
  view.fill(0xee);
  assert.deepEqual(arena.ring.subarray(0, 128), published.subarray(0, 128));
  producer.close();
});

test(
  "a user with too many descriptors under way is told so, and then succeeds",
  asRoot,
  async () => {
    const path = `@zerocross-in-flight-partner-${process.pid}`;
    const args: PartnerArguments = { path, end: "Producer", how: "connectSync", trusts: true };
    using partner = startRestricted("partner", args);
    using program = startRestricted("in-flight", {
      path,
      user: nobody,
    } satisfies InFlightArguments);
    const { error, added, mappings } = await within(program.next<InFlightReport>());
    assert.equal(error?.name, "SystemError");
    assert.match(
      error?.message ?? "",
      /sendmsg failed with ETOOMANYREFS.*too many descriptors under way/,
    );
    assert.deepEqual(added, []);
    assert.deepEqual(mappings, []);
    assert.equal(await within(program.next<string>()), "ok");
    await within(partner.next<PartnerReport>());
  },
);

// A memory limit

const version1 = "/sys/fs/cgroup/memory";
const version2 = "/sys/fs/cgroup";

/** A control group with a limit of `bytes` beyond what is in it; hold it with `using`. */
function openGroup(pid: number, bytes: number) {
  const isVersion1 = existsSync(join(version1, "memory.limit_in_bytes"));
  const path = join(isVersion1 ? version1 : version2, `zerocross-test-${process.pid}`);
  const [limit, swap] = isVersion1
    ? ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]
    : ["memory.max", "memory.swap.max"];
  mkdirSync(path);
  writeFileSync(join(path, "cgroup.procs"), `${pid}`);
  writeFileSync(join(path, limit), `${bytes}`);
  // Without room to swap to either; where nothing is counted there is none.
  if (existsSync(join(path, swap))) writeFileSync(join(path, swap), isVersion1 ? `${bytes}` : "0");
  const usage = join(path, isVersion1 ? "memory.usage_in_bytes" : "memory.current");
  return {
    usage: () => Number(readFileSync(usage, "utf8")),
    [Symbol.dispose]: () => rmdirSync(path),
  };
}

function whyNoGroup(): string | false {
  if (process.geteuid?.() !== 0) return "only root can limit the memory of a process";
  if (existsSync(join(version1, "memory.limit_in_bytes"))) return false;
  const controllers = join(version2, "cgroup.subtree_control");
  const hasMemory = existsSync(controllers) && readFileSync(controllers, "utf8").includes("memory");
  return hasMemory ? false : "this system has no memory controller that could be used";
}

test("memory beyond the limit of a control group is refused, or ends the listener and nobody else", {
  skip: whyNoGroup(),
}, async () => {
  const path = newPath();
  const limit = 64 * 2 ** 20;
  const args: LargeArguments = { path, capacity: 8 * limit };
  {
    using program = startRestricted("large", args);
    assert.equal(await within(program.next<string>()), "ready");
    using group = openGroup(program.pid, limit);
    program.tell();
    await assert.rejects(Producer.connect(path, { timeout: 5000 }), {
      name: "WireError",
      message: /after 0 bytes of its handshake/,
    });
    const { code, signal } = await program.ended;
    // The kernel kills where it finds no page, and does not say ENOMEM.
    assert.ok(signal === "SIGKILL" || code === 0, `${signal ?? code}`);
    assert.ok(group.usage() < limit / 2, `${group.usage()} bytes are left`);
  }
  assert.equal(channelMappings().length, 0);
  // Whoever comes next finds at most a stale file.
  const listening = Consumer.listen(path, { timeout: 5000 });
  using _ = await Producer.connect(path);
  (await listening).close();
});

// File systems

for (const [what, mounted, fillerSize] of [
  ["inode", "nr_inodes=2", 0],
  ["block", "size=4096", 4096],
] as const) {
  test(
    `in a file system without a free ${what} listening works or says so, and works once there is one`,
    asRoot,
    async () => {
      const folder = temporaryFolder();
      const path = join(folder, "socket");
      const args: FullArguments = { path, filler: join(folder, "filler"), fillerSize };
      using program = startRestricted("full", args, {
        restrictions: ["--tmpfs", `${folder}=${mounted}`],
      });
      const { whileFull, after, entries } = await within(program.next<FullReport>());
      if (what === "block") assert.equal(whileFull, "ok", "a socket takes no block");
      else
        assert.match(
          whileFull,
          /^SystemError: .*bind failed with ENOSPC.*that file system: free some/,
        );
      assert.equal(after, "ok");
      assert.deepEqual(entries, []);
    },
  );
}

test(
  "a read-only folder cannot be listened in, which is said, but connected into",
  asRoot,
  async () => {
    const folder = temporaryFolder();
    const [taken, free] = [join(folder, "taken"), join(folder, "free")];
    const restricted = { restrictions: ["--read-only", folder] };
    const listening = Producer.listen(taken, { timeout: 5000 });
    const meet = { end: "consumer", options: { timeout: 5000 } };
    using listener = startRestricted(
      "../../../tests/programs/meet",
      { ...meet, path: free, how: "listen" },
      restricted,
    );
    const { error } = await within(listener.next<Meeting>());
    assert.equal(error?.errno, "EROFS");
    assert.match(error?.message ?? "", /bind failed with EROFS.*read-only: use another path/);
    using connector = startRestricted(
      "../../../tests/programs/meet",
      { ...meet, path: taken, how: "connect" },
      restricted,
    );
    using producer = await within(listening);
    producer.sendSync(new TextEncoder().encode("hello"));
    assert.equal((await within(connector.next<Meeting>())).peer?.pid, process.pid);
  },
);
