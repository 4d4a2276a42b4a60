// Debian's packages for the checks that need a tool which npm does not have. They are unpacked inside
// node_modules: nothing is installed, no root rights are needed, and removing the checkout removes them.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./environment.mjs";

const cache = join(root, "node_modules", ".cache", "debian");

/**
 * The folder that a package is unpacked in, with its `usr` and all.
 *
 * @param {string} name
 * @throws {Error} When this is no Debian, or its packages cannot be reached.
 */
export function unpackDebianPackage(name) {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  // Renamed when it is whole, so that whoever is interrupted leaves nothing that looks unpacked.
  const unfinished = mkdtempSync(join(cache, `${name}-`));
  try {
    renameSync(unpackInto(unfinished, name), folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}

/**
 * The file of that name in a package, as built for this processor itself.
 *
 * @param {string} name
 * @param {string} file
 * @throws {Error} As `unpackDebianPackage`, and when there is no such file.
 */
export function findInDebianPackage(name, file) {
  const folder = unpackDebianPackage(name);
  const path = readdirSync(folder, { recursive: true, encoding: "utf8" }).find(
    (entry) => entry.endsWith(`/${file}`) && !/\/x?32\//.test(entry),
  );
  if (path === undefined) {
    throw new Error(`Debian's package ${name} is here without ${file}; looked in ${folder}`);
  }
  return join(folder, path);
}

/**
 * @param {string} folder
 * @param {string} name
 */
function unpackInto(folder, name) {
  const download = ["download", name];
  // A fresh machine may have no list of packages yet, and only root may renew the system's own.
  if (run("apt-get", download, folder) !== undefined) {
    const own = ownLists(folder);
    const reason =
      run("apt-get", [...own, "update"], folder) ?? run("apt-get", [...own, ...download], folder);
    if (reason !== undefined) {
      throw new Error(
        `Debian's package ${name} cannot be had: ${reason}. Install it with the system's own package ` +
          "manager, or leave out the steps that need it.",
      );
    }
  }
  const file = readdirSync(folder).find((entry) => entry.endsWith(".deb"));
  const unpacked = join(folder, "root");
  const reason = run("dpkg-deb", ["--extract", file ?? "", unpacked], folder);
  if (reason !== undefined) throw new Error(`unpacking Debian's package ${name}: ${reason}`);
  return unpacked;
}

/** @param {string} folder */
function ownLists(folder) {
  for (const part of ["state/lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(folder, part), { recursive: true });
  }
  return [
    ...[
      "-o",
      `Dir::State=${join(folder, "state")}`,
      "-o",
      "Dir::State::status=/var/lib/dpkg/status",
    ],
    ...["-o", `Dir::Cache=${join(folder, "cache")}`],
  ];
}

/**
 * Why it failed; `undefined` when it did not.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {string} folder
 */
function run(command, args, folder) {
  const { error, status, stderr } = spawnSync(command, args, { cwd: folder, encoding: "utf8" });
  if (error) return error.message;
  return status === 0 ? undefined : (stderr.trim().split("\n").at(-1) ?? `exit code ${status}`);
}
