import { spawn } from "node:child_process";

/**
 * Gone is a process whose last thread is: until then its memory is taken apart, for some 10 ms of a
 * runtime's and more on a busy machine. It stays in the table of processes until its parent has asked for it.
 */
const untilGone = `
while read -r _ _ state _ < /proc/$0/stat; do
  set -- /proc/$0/task/*
  [ "$state$#" = Z1 ] && break
  sleep 0.002
done 2> /dev/null
date +%s%3N`;

/** When a process that is there now was gone, in milliseconds of `Date.now`, a few late. This thread may be blocked meanwhile. */
export function timeOfDeath(pid: number): Promise<number> {
  const watcher = spawn("sh", ["-c", untilGone, String(pid)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  watcher.stdout.on("data", (chunk) => {
    output += chunk;
  });
  return new Promise((resolve) => watcher.on("close", () => resolve(Number(output))));
}
