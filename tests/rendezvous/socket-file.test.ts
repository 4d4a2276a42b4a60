/** The file of a listening socket: its mode, and that it goes. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  readFileSync,
  statSync,
  unlinkSync,
  watch,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer, type ListenOptions, Producer } from "../../src/index.ts";
import { Deadline } from "../peer/deadline.ts";
import { startPeer } from "../peer/start.ts";
import { temporaryFolder } from "../support/folder.ts";

const folder = temporaryFolder();
let paths = 0;
const newPath = () => join(folder, `socket-${paths++}`);
const timeout = 5000;

// The socket file while it stands

/** Listens until a connector comes, and then calls `look`, while the path still stands. */
async function meetOnce(
  path: string,
  look: () => void,
  options: ListenOptions = {},
): Promise<void> {
  const connector = startPeer(["consume", "--path", path, "--count", 0]);
  const authorize = () => {
    look();
    return true;
  };
  Producer.listenSync(path, { timeout, authorize, ...options }).close();
  await connector.report;
}

async function modeWhileListening(path: string, options?: ListenOptions): Promise<number> {
  let mode = 0;
  const look = () => {
    mode = statSync(path).mode & 0o777;
  };
  await meetOnce(path, look, options);
  return mode;
}

async function withUmask<T>(mask: number, body: () => Promise<T>): Promise<T> {
  const before = process.umask(mask);
  try {
    return await body();
  } finally {
    process.umask(before);
  }
}

test("the socket file has mode 0600 from the moment that it exists, whatever the umask", async () => {
  const path = newPath();
  const marker = newPath();
  writeFileSync(marker, "");
  const events: string[] = [];
  const watcher = watch(folder, (event, name) => events.push(`${event} ${name}`));
  try {
    assert.equal(await withUmask(0, () => modeWhileListening(path)), 0o600);
    // Events come in order: when this one is here, those of the socket are.
    chmodSync(marker, 0o640);
    const deadline = new Deadline(timeout);
    while (!events.includes(`change ${basename(marker)}`)) {
      deadline.check("for the folder's events");
      await sleep(1);
    }
  } finally {
    watcher.close();
  }
  assert.ok(events.includes(`rename ${basename(path)}`));
  assert.ok(!events.includes(`change ${basename(path)}`), "its mode was changed after the fact");
});

test("a mode that was asked for wins over the umask", async () => {
  for (const mode of [0o600, 0o620, 0o666]) {
    assert.equal(await withUmask(0o077, () => modeWhileListening(newPath(), { mode })), mode);
  }
});

// The socket file goes

test("the path is gone after the handshake", async () => {
  const path = newPath();
  await meetOnce(path, () => assert.ok(existsSync(path)));
  assert.equal(existsSync(path), false);
});

test("the path is gone after a timeout", () => {
  const path = newPath();
  assert.throws(() => Consumer.listenSync(path, { timeout: 1 }), { name: "TimeoutError" });
  assert.equal(existsSync(path), false);
});

test("the path is gone after an error in authorize, which reaches the caller", async () => {
  const path = newPath();
  const connector = startPeer(["consume", "--path", path]);
  const trouble = new Error("trouble");
  const authorize = () => {
    assert.ok(existsSync(path));
    throw trouble;
  };
  assert.throws(
    () => Producer.listenSync(path, { timeout, authorize }),
    (error) => error === trouble,
  );
  assert.equal(existsSync(path), false);
  await assert.rejects(connector.report, /a handshake of 0 bytes/);
});

test("a file that took the place of the socket's is left alone", async () => {
  const path = newPath();
  await meetOnce(path, () => {
    unlinkSync(path);
    writeFileSync(path, "precious");
  });
  assert.equal(readFileSync(path, "utf8"), "precious");
});

test("a relative path counts from the folder in which the listening began", async () => {
  const path = newPath();
  const before = process.cwd();
  const connector = startPeer(["consume", "--path", path, "--count", 0]);
  const authorize = () => {
    assert.ok(existsSync(path));
    process.chdir(before);
    return true;
  };
  try {
    process.chdir(folder);
    Producer.listenSync(basename(path), { timeout, authorize }).close();
  } finally {
    process.chdir(before);
  }
  await connector.report;
  assert.equal(existsSync(path), false);
});

test("an abstract name needs no file, and is free again after the handshake", async () => {
  const path = `@zerocross-free-${process.pid}`;
  for (let i = 0; i < 2; i++) await meetOnce(path, () => assert.equal(existsSync(path), false));
  assert.throws(() => Consumer.connectSync(path, { retry: false }), { errno: "ECONNREFUSED" });
});
