/** What this process has mapped and open, as the kernel lists it. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The mappings of channels that the library has open in this process. */
export function channelMappings(): string[] {
  const lines = readFileSync("/proc/self/maps", "utf8").split("\n");
  return lines.filter((line) => line.includes("/memfd:zerocross "));
}

/** Those that are left when what takes its time, as large memory does, has had it. */
export async function channelMappingsLeft(): Promise<string[]> {
  const deadline = performance.now() + 5000;
  while (channelMappings().length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return channelMappings();
}

/** Bytes of address space that this process has taken. */
export function addressSpace(): number {
  const [, kibibytes] =
    /^VmSize:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kibibytes) * 1024;
}

/**
 * The descriptors that are open now and were not `before`. The other way round says nothing: the
 * runtime closes what led to earlier children in its own time.
 */
export function addedDescriptors(before: readonly string[]): string[] {
  const known = [...before];
  return openDescriptors().filter((target) => {
    const at = known.indexOf(target);
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
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
