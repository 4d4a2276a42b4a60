/** What a listener finds at its path, and where it cannot listen. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer, Producer } from "../../src/index.ts";
import { Deadline } from "../peer/deadline.ts";
import * as libc from "../peer/libc.ts";
import { closeListener, openListener } from "../peer/rendezvous.ts";
import { startPeer } from "../peer/start.ts";
import type { MeetArguments, Meeting } from "../programs/meet.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startProgram } from "../support/program.ts";

const folder = temporaryFolder();
let paths = 0;
const newPath = () => join(folder, `socket-${paths++}`);
const nobody = 65534;
const timeout = 5000;

const startMeet = (args: MeetArguments) => startProgram("meet", args);

const isRoot = process.geteuid?.() === 0;
const asRoot = { skip: isRoot ? false : "only root can start a process of another user" };

/** A socket file that nobody listens on any more. */
function makeStale(path: string, mode = 0o600): void {
  libc.close(openListener(path));
  chmodSync(path, mode);
}

async function untilThere(path: string): Promise<void> {
  const deadline = new Deadline(timeout);
  while (!existsSync(path)) {
    deadline.check(`for ${path}`);
    await sleep(1);
  }
}

/** Listens in this process, as a consumer that one message reaches. */
async function listenAndReceive(path: string): Promise<void> {
  const producer = startPeer(["produce", "--path", path, "--count", 1, "--size", 5]);
  {
    using consumer = Consumer.listenSync(path, { timeout });
    assert.equal(consumer.receiveSync({ timeout })?.bytes.length, 5);
    assert.equal(consumer.receiveSync({ timeout }), null);
  }
  await producer.report;
}

// What is no socket

const standing: Record<string, { make: (path: string) => void; named: string }> = {
  "a regular file": {
    make: (path) => writeFileSync(path, "precious"),
    named: "a regular file",
  },
  "an empty directory": { make: (path) => mkdirSync(path), named: "a directory" },
  "a fifo": {
    make: (path) => execFileSync("mkfifo", [path]),
    named: "something that is not a socket",
  },
  "a symlink to nothing": {
    make: (path) => symlinkSync(`${path}-nothing`, path),
    named: "a symbolic link",
  },
  "a symlink to a file": {
    make: (path) => {
      writeFileSync(`${path}-target`, "precious");
      symlinkSync(`${path}-target`, path);
    },
    named: "a symbolic link",
  },
  "a symlink to a socket that nobody listens on": {
    make: (path) => {
      makeStale(`${path}-target`);
      symlinkSync(`${path}-target`, path);
    },
    named: "a symbolic link",
  },
};

/** Everything about an entry that a listener could have changed. */
function look(path: string) {
  const { ino, mode, size, mtimeMs, ctimeMs } = lstatSync(path);
  const content = lstatSync(path).isFile() ? readFileSync(path, "utf8") : "";
  return { ino, mode, size, mtimeMs, ctimeMs, content };
}

for (const [what, { make, named }] of Object.entries(standing)) {
  test(`a listener refuses ${what} at its path and leaves it alone`, () => {
    const path = newPath();
    make(path);
    const entries = readdirSync(folder);
    const before = look(path);
    assert.throws(() => Consumer.listenSync(path, { timeout }), {
      name: "SystemError",
      errno: "EEXIST",
      message: new RegExp(`\\(${path}\\).*${named}.*left alone: choose another path`),
    });
    assert.deepEqual(look(path), before);
    assert.deepEqual(readdirSync(folder), entries);
  });
}

for (const what of ["a regular file", "an empty directory", "a fifo"]) {
  test(`a connector does not wait for ${what} to become a socket`, () => {
    const path = newPath();
    standing[what]?.make(path);
    const before = look(path);
    const start = performance.now();
    assert.throws(() => Consumer.connectSync(path, { timeout }), {
      name: "SystemError",
      syscall: "connect",
      message: new RegExp(`\\(${path}\\).*${standing[what]?.named}.*expected a socket`),
    });
    assert.ok(performance.now() - start < timeout / 2);
    assert.deepEqual(look(path), before);
  });
}

// Sockets that nobody listens on

test("a socket file that nobody listens on is replaced", async () => {
  const path = newPath();
  makeStale(path);
  await listenAndReceive(path);
  assert.equal(existsSync(path), false);
});

test("a listener that was killed leaves a file that the next listener replaces", async () => {
  const path = newPath();
  using killed = startMeet({ path, how: "listen", end: "consumer" });
  await untilThere(path);
  killed.kill();
  assert.equal((await killed.ended).signal, "SIGKILL");
  assert.ok(lstatSync(path).isSocket());
  await listenAndReceive(path);
  assert.equal(existsSync(path), false);
});

// Sockets that somebody listens on

const hereListens = new RegExp(`process ${process.pid} is listening there.*another path`);

for (const path of [newPath(), `@zerocross-path-${process.pid}`]) {
  const kind = path.startsWith("@") ? "an abstract name" : "a path";
  test(`whoever listens on ${kind} is named and left alone, and learns nothing of it`, () => {
    const listener = openListener(path);
    try {
      assert.throws(() => Producer.listenSync(path, { timeout }), {
        name: "SystemError",
        errno: "EADDRINUSE",
        message: hereListens,
      });
      const connection = libc.unless([libc.errnos.EAGAIN], () => libc.accept(listener));
      assert.equal(connection, undefined);
    } finally {
      closeListener(listener, path);
    }
  });
}

test("a listener of another process is named, and its handshake still works afterwards", async () => {
  const path = newPath();
  using other = startMeet({ path, how: "listen", end: "consumer" });
  await untilThere(path);
  const { ino } = lstatSync(path);
  assert.throws(() => Consumer.listenSync(path, { timeout }), {
    name: "SystemError",
    errno: "EADDRINUSE",
    message: new RegExp(`\\(${path}\\).*process ${other.pid} is listening there`),
  });
  assert.equal(lstatSync(path).ino, ino);
  using producer = Producer.connectSync(path, { timeout });
  producer.sendSync(new TextEncoder().encode("still here"), 0, { timeout });
  assert.equal((await other.next<Meeting>()).peer?.pid, process.pid);
  assert.equal((await other.next<Meeting>()).text, "still here");
});

test("a listener behind a symlink is left alone too", () => {
  const path = newPath();
  const listener = openListener(`${path}-target`);
  try {
    symlinkSync(`${path}-target`, path);
    assert.throws(() => Consumer.listenSync(path, { timeout }), /a symbolic link/);
    assert.equal(
      libc.unless([libc.errnos.EAGAIN], () => libc.accept(listener)),
      undefined,
    );
  } finally {
    closeListener(listener, `${path}-target`);
  }
});

test("of three listeners that find the same stale file one gets it, and the others are told", async () => {
  const path = newPath();
  makeStale(path);
  const start = () =>
    startMeet({ path, how: "listen", end: "consumer", options: { timeout }, waits: true });
  using first = start();
  using second = start();
  using third = start();
  const racers = [first, second, third];
  for (const racer of racers) await racer.next<Meeting>();
  for (const racer of racers) racer.tell();

  const outcomes = racers.map(async (racer) => ({ racer, ...(await racer.next<Meeting>()) }));
  const losers = new Set<number>();
  const errors: string[] = [];
  while (errors.length < 2) {
    const waiting = outcomes.filter((_, i) => !losers.has(racers[i]?.pid ?? 0));
    const { racer, error } = await Promise.race(waiting);
    losers.add(racer.pid);
    errors.push(error?.message ?? "met somebody");
  }
  const winner = racers.find((racer) => !losers.has(racer.pid));
  // Who comes while the first one replaces the file cannot know yet which process that is.
  const told = new RegExp(`(process ${winner?.pid}|another process) is listening there`);
  for (const message of errors) assert.match(message, told);
  using producer = Producer.connectSync(path, { timeout });
  assert.equal(producer.peer.pid, winner?.pid);
});

// Paths that cannot be bound

test("a path may have 107 bytes and no more", async () => {
  const longest = join(folder, "x".repeat(107 - folder.length - 1));
  await listenAndReceive(longest);
  await listenAndReceive(`@${"y".repeat(107)}`);
  const twoBytesEach = join(folder, "é".repeat(54));
  for (const path of [`${longest}x`, `@${"y".repeat(108)}`, twoBytesEach]) {
    const expected = { name: "RangeError", message: /longer than .* at most 107 bytes.*shorter/ };
    assert.throws(() => Consumer.listenSync(path, { timeout }), expected);
    assert.throws(() => Consumer.connectSync(path, { timeout }), expected);
  }
});

test("a path that is empty, or has a zero byte in it, is refused by name", () => {
  for (const [path, message] of [
    ["", /path is empty; expected/],
    ["@", /path is empty; expected/],
    [`${newPath()}\0`, /zero byte/],
    ["@a\0b", /zero byte/],
  ] as const) {
    assert.throws(() => Consumer.listenSync(path, { timeout }), { name: "RangeError", message });
    assert.throws(() => Producer.connectSync(path, { timeout }), { name: "RangeError", message });
  }
});

test("a missing folder, and a file where a folder should be, are told apart", () => {
  const file = newPath();
  writeFileSync(file, "precious");
  for (const [path, errno, advice] of [
    [join(newPath(), "a.sock"), "ENOENT", "folder of the path does not exist"],
    [join(file, "a.sock"), "ENOTDIR", "part of the path is not a folder"],
  ] as const) {
    assert.throws(() => Consumer.listenSync(path, { timeout }), {
      name: "SystemError",
      syscall: "bind",
      errno,
      message: new RegExp(`\\(${path}\\).*bind.*${errno}.*${advice}`),
    });
  }
  assert.equal(readFileSync(file, "utf8"), "precious");
});

// What the user `nobody` meets in a folder of root's: it may look in an open one, and enter no closed one.
const forbidden = {
  "an open folder": { folderMode: 0o755, syscall: "bind", message: /change the permissions/ },
  "a closed folder": { folderMode: 0o700, syscall: "bind", message: /change the permissions/ },
  "an open folder, over a stale file that all may use": {
    folderMode: 0o755,
    staleMode: 0o666,
    syscall: "unlink",
    message: /change the permissions/,
  },
  "an open folder, over a stale file that it may not use": {
    folderMode: 0o755,
    staleMode: 0o600,
    syscall: "bind",
    message: /whether anybody listens on it cannot be known.*left alone/,
  },
} as const;

for (const [where, { folderMode, syscall, message, ...rest }] of Object.entries(forbidden)) {
  test(`a user without permission cannot listen in ${where}`, asRoot, async () => {
    chmodSync(folder, 0o755);
    const path = join(newPath(), "a.sock");
    mkdirSync(dirname(path));
    if ("staleMode" in rest) makeStale(path, rest.staleMode);
    chmodSync(dirname(path), folderMode);
    using child = startMeet({
      path,
      how: "listen",
      end: "consumer",
      user: nobody,
      options: { timeout },
    });
    const { error } = await child.next<Meeting>();
    assert.equal(error?.name, "SystemError");
    assert.match(error?.message ?? "", new RegExp(`\\(${path}\\).*EACCES`));
    assert.match(error?.message ?? "", message);
    assert.equal(error?.syscall, syscall);
    assert.equal(existsSync(path), "staleMode" in rest);
  });
}

test("a user who may not see whose listener it is still leaves it alone", asRoot, async () => {
  chmodSync(folder, 0o755);
  const path = newPath();
  const listener = openListener(path);
  try {
    chmodSync(path, 0o666);
    using child = startMeet({ path, how: "listen", end: "consumer", user: nobody });
    const { error } = await child.next<Meeting>();
    assert.equal(error?.errno, "EADDRINUSE");
    assert.match(error?.message ?? "", /another process is listening there/);
    assert.equal(
      libc.unless([libc.errnos.EAGAIN], () => libc.accept(listener)),
      undefined,
    );
  } finally {
    closeListener(listener, path);
  }
});
