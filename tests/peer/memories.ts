/** What a test leaves behind when it forgets to close. */
import { readdirSync, readlinkSync } from "node:fs";

/** The memory files that this process has open. */
export function openMemories(): string[] {
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The descriptor that listed the folder is gone by now.
      return "";
    }
  });
  return links.filter((link) => link.includes("zerocross"));
}
