/** What this process has mapped and open, as the kernel lists it. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The mappings of channels that the library has open in this process. */
export function channelMappings(): string[] {
  const lines = readFileSync("/proc/self/maps", "utf8").split("\n");
  return lines.filter((line) => line.includes("/memfd:zerocross "));
}

/** Bytes of address space that this process has taken. */
export function addressSpace(): number {
  const [, kibibytes] =
    /^VmSize:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kibibytes) * 1024;
}

/** What the descriptors of this process lead to. */
export function openDescriptors(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The descriptor that listed the folder is gone by now.
      return [];
    }
  });
}
