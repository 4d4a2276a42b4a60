// A contestant of the race: `first.ts <name> <core> <core of the second side> <samples file> <path prefix>`,
// where "-" stands for no core and for no file. It starts its second side, says that it is ready, and
// answers each line that it reads with a line of JSON.

import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { clockName, pinThread, readingNs } from "./clock.ts";
import { errorText } from "./control.ts";
import { First } from "./first-side.ts";
import { Laps } from "./laps.ts";
import type { Block, Mechanism } from "./mechanism.ts";
import { mechanisms } from "./mechanisms.ts";

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
for (const [signal, code] of Object.entries(signals)) process.on(signal, () => process.exit(code));

const [name = "", core = "-", secondCore = "-", samples = "-", prefix = ""] = process.argv.slice(2);

/** Before each round trip of `after-silence`. */
const silenceMs = 20;

function say(answer: object): void {
  try {
    writeSync(1, `${JSON.stringify(answer)}\n`);
  } catch {
    process.exit(1); // Whoever asked is gone.
  }
}

function fail(error: unknown): never {
  say({ error: errorText(error) });
  process.exit(1);
}

async function load(): Promise<Mechanism> {
  const mechanism = await mechanisms[name]?.();
  if (mechanism === undefined) {
    throw new Error(
      `no mechanism is called ${name}; there are ${Object.keys(mechanisms).join(", ")}`,
    );
  }
  return mechanism;
}

/** True, or why not. */
function pin({ isBlocking }: Mechanism, isSecondPinned: boolean): true | string {
  if (!isBlocking) return "event loops are not pinned";
  if (core === "-") return "no cores were named";
  if (!pinThread(Number(core))) return `the kernel does not pin to core ${core}`;
  return isSecondPinned || `the kernel does not pin to core ${secondCore}`;
}

/** The race asks a mechanism for nothing that it has not. */
function parse(line: string, { isOneWay }: Mechanism): Block {
  const [command = "", count, size] = line.split(" ");
  return {
    form: command.endsWith("one-way") || isOneWay === true ? "one-way" : "round-trip",
    count: Number(count),
    size: Number(size),
    isWhole: command.startsWith("verify"),
    pauseMs: command === "after-silence" ? silenceMs : 0,
  };
}

async function answer(first: First, mechanism: Mechanism, line: string): Promise<object> {
  const block = parse(line, mechanism);
  if (block.isWhole) {
    await first.run(block);
    return { ok: true };
  }
  await first.run({ ...block, count: Math.max(1, Math.floor(block.count / 10)) });
  const laps = new Laps(block.count);
  const measured = await first.run(block, laps);
  if (block.form === "round-trip" && samples !== "-") laps.appendTo(samples);
  return measured;
}

try {
  const mechanism = await load();
  const forbidden = await mechanism.whyForbidden?.();
  if (forbidden !== undefined) {
    say({ forbidden });
    process.exit();
  }
  const first = await First.open({ name, mechanism, core: secondCore, prefix, whenLost: fail });
  say({
    ready: true,
    pids: first.processes,
    pinned: pin(mechanism, first.isSecondPinned),
    clock: clockName,
    clockNs: readingNs(),
    maxSize: mechanism.maxSize ?? null,
  });
  for await (const line of createInterface({ input: process.stdin })) {
    say(await answer(first, mechanism, line));
  }
  process.exit();
} catch (error) {
  fail(error);
}
