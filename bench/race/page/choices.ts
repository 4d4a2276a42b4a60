/** Which mechanism to use when: what each is for by its design, and what this run says about it. */

import { callsOf, roundTripOf, rowOf, sortedBy } from "../reading.ts";
import type { Race } from "../result.ts";
import { aboutCrossings, duration, times } from "./units.ts";

export interface Choice {
  readonly title: string;
  /** In a word, for the list above all choices; those without it are for special cases. */
  readonly need?: string;
  readonly use: string;
  readonly price: string;
  /** Sentences made of the figures. */
  readonly finding?: string | undefined;
  /** Whose figures stand below. */
  readonly ids: readonly string[];
}

export function choicesOf(race: Race): Choice[] {
  return [
    {
      title: "The ring, spinning",
      need: "Every microsecond counts, and there are two cores to spare",
      use: "Use it when latency is what counts, messages come all the time, and each side has a core to itself.",
      price:
        "Both sides keep a whole core busy, also while nothing arrives. Where they have to share one core it is the wrong choice.",
      finding: compare(race, "native/ring-spin", "native/pipe", "a pipe"),
      ids: ["native/ring-spin", "bun/zerocross-spin", "deno/zerocross-spin"],
    },
    {
      title: "The ring, spinning and then sleeping",
      need: "Most programs whose threads may block",
      use: "Use it when a thread may block. It is the default: fast while messages follow each other, asleep when they do not.",
      price:
        "The first message after a pause pays for a wake-up by the kernel. An idle channel costs no CPU time.",
      ids: ["native/ring-hybrid", "bun/zerocross-sync", "deno/zerocross-sync"],
    },
    {
      title: "The ring, asleep or on an event loop",
      need: "Event loops, or little CPU time",
      use: "Use it when CPU time matters more than latency, or when the program has other things to do: await.",
      price: sleepingPrice(race),
      finding: compare(race, "native/ring-sleep", "native/pipe", "a pipe"),
      ids: ["native/ring-sleep", "bun/zerocross-async", "deno/zerocross-async"],
    },
    {
      title: "A Unix socket",
      need: "Programs that are not yours, or few messages",
      use: "Use it when the other program is not yours or is written in another language, when clients come and go or have to be told apart, and when some thousand messages a second are all there is. No library needed.",
      price: "Each message goes through the kernel twice and wakes the other side.",
      finding: countedCalls(race, "native/unix-stream"),
      ids: ["native/unix-stream", "bun/net-unix", "deno/net-unix"],
    },
    {
      title: "A pipe",
      use: "Use it between a program and its child, for a stream of bytes in one direction: output, logs, filters. Everything can read it.",
      price: "As a socket; and message boundaries are the program's own affair.",
      finding: countedCalls(race, "native/pipe"),
      ids: ["native/pipe", "bun/stdio", "deno/stdio"],
    },
    {
      title: "TCP",
      use: "Use it when the other side may be on another machine one day.",
      price: "The whole network stack, also over loopback.",
      finding: compare(race, "native/tcp", "native/unix-stream", "a Unix socket"),
      ids: ["native/tcp", "bun/net-tcp", "deno/net-tcp"],
    },
    {
      title: "fetch over a Unix socket",
      use: "Use it when HTTP itself is wanted: routes, headers, proxies, and tools that everyone knows.",
      price: "Writing and parsing HTTP, on top of the socket.",
      finding: compare(race, "bun/fetch-unix", "bun/net-unix", "a plain Unix socket in Bun"),
      ids: ["bun/fetch-unix", "deno/fetch-unix"],
    },
    {
      title: "process.send",
      use: "Use it for now and then a value between a program and its child: nothing to set up, and objects arrive as objects.",
      price: "JSON on both sides, and the event loops of both.",
      finding: compare(race, "bun/process-send", "bun/net-unix", "a plain Unix socket in Bun"),
      ids: ["bun/process-send", "deno/process-send"],
    },
    {
      title: "postMessage to a worker",
      use: "Use it when a thread of the same process is enough: it takes any value that can be cloned.",
      price:
        "No second process: a crash takes both sides, and both are written for the same runtime.",
      finding: compare(
        race,
        "bun/post-message",
        "bun/zerocross-async",
        "the ring with await in Bun",
      ),
      ids: ["bun/post-message", "deno/post-message"],
    },
    {
      title: "Shared memory with semaphores or a mutex",
      use: "Hardly ever. The bytes no longer pass through the kernel, but each message still wakes a sleeping process by a system call, and that is the expensive part. Only spinning makes it fast.",
      price:
        "All the care that shared memory takes, at the price of a pipe; with a spin flag, at the price of two cores.",
      finding: compare(race, "native/posix-semaphores", "native/pipe", "a pipe"),
      ids: ["native/posix-semaphores", "native/posix-mutex", "native/posix-spin"],
    },
    {
      title: "A message queue of the kernel's",
      use: "Use it when messages have to wait for a process that is not there yet, or need priorities.",
      price: "A small limit on the size of a message, and names that somebody has to remove.",
      finding: countedCalls(race, "native/sysv-queue"),
      ids: ["native/posix-queue", "native/sysv-queue"],
    },
    {
      title: "Handing over a memfd",
      need: "Blocks of many megabytes",
      use: "Use it for a block of many megabytes that is written once and read elsewhere: the memory itself changes hands, sealed so that nobody can change it any more, and nobody copies it.",
      price:
        "A file, a mapping and fresh pages for each block, which the kernel has to clear: too much for small messages. Memory that both sides keep and use again does without.",
      finding: handovers(race),
      ids: [],
    },
  ];
}

function compare(race: Race, id: string, otherId: string, other: string): string | undefined {
  const [one, two] = [p50(race, id), p50(race, otherId)];
  if (one === undefined || two === undefined) return undefined;
  const against = `${duration(one)} against ${duration(two)} for ${other}`;
  // What lies this close together may be the other way round in the next run.
  if (one < two * 1.15 && two < one * 1.15)
    return `Here a round trip takes about the same: ${against}.`;
  if (one < two) return `Here a round trip takes ${against}: ${times(two / one)} times as fast.`;
  return `Here a round trip takes ${against}: ${times(one / two)} times as long.`;
}

/** How often a sleeping ring really sleeps depends on how soon the other side answers: the counts tell. */
function sleepingPrice(race: Race): string {
  const calls = callsOf(rowOf(race, "native/ring-sleep")?.callsPerRoundTrip);
  const wakeUp = "A side that has gone to sleep has to be woken, which only the kernel can do.";
  if (calls === undefined || calls > 1) {
    return `${wakeUp} That is two wake-ups for a round trip, as through a pipe. Messages that are under way together share them.`;
  }
  return `${wakeUp} While answers come at once it hardly gets to sleep: ${aboutCrossings(calls)} system calls in a round trip here. After a pause a message pays for a wake-up, as through a pipe.`;
}

function countedCalls(race: Race, id: string): string | undefined {
  const ring = p50(race, "native/ring-spin");
  const own = p50(race, id);
  const calls = callsOf(rowOf(race, id)?.callsPerRoundTrip);
  if (own === undefined || calls === undefined) return undefined;
  const counted = `Counted here: ${aboutCrossings(calls)} system calls in a round trip`;
  if (ring === undefined) return `${counted}.`;
  return `${counted}, and ${times(own / ring)} times the latency of the spinning ring.`;
}

/** All ways, the fastest first. */
function handovers(race: Race): string | undefined {
  const measured = race.rows.flatMap(({ name, handover }) =>
    handover === undefined ? [] : [{ name, ms: handover.milliseconds.median, size: handover.size }],
  );
  const size = measured[0]?.size;
  if (size === undefined) return undefined;
  const parts = sortedBy(measured, ({ ms }) => ms).map(
    ({ name, ms }) => `${duration(ms * 1e6)} (${name})`,
  );
  return `Here ${Math.round(size / 1e6)} MB take ${parts.join(", ")}.`;
}

function p50(race: Race, id: string): number | undefined {
  return roundTripOf(rowOf(race, id))?.p50;
}
