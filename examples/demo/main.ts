// `npm run demo`: what zerocross does, between this process (Bun) and one that it starts (Deno).

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer, Producer } from "zerocross";
import { DenoProcess } from "./deno-process.ts";
import { listFiles, sendFile, Verdicts } from "./files.ts";
import { Match, measureClock, percentiles, type Turns } from "./match.ts";
import { help, type Options, readOptions, type Size, UsageError } from "./options.ts";
import { overChannel, transportNames } from "./ping-pong.ts";
import { canSpin, channelPaths, gameWait } from "./places.ts";
import {
  formatCount,
  formatMegabytes,
  formatTime,
  Progress,
  printBars,
  printTable,
  style,
} from "./report.ts";
import { countSystemCalls, NotCounted } from "./system-calls.ts";

const name = `zerocross-demo-${process.pid}`;
const paths = channelPaths(name);
const shares = [0.5, 0.9, 0.99, 0.999, 1];

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(help);
  else await runDemo(options);
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof UsageError) console.error("\n`npm run demo -- --help` shows what it takes.");
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function runDemo(options: Options): Promise<void> {
  const files = listFiles(options.folder).slice(0, options.size.files);
  if (files.length === 0) throw new Error(`there are no files in ${options.folder}`);
  using deno = new DenoProcess(name);
  try {
    deno.waitUntilUp();
    console.log(`Bun ${process.versions.bun} is process ${process.pid}, Deno is ${deno.pid}.\n`);
    sendFiles(options.folder, files);
    await playPingPong(deno, options.size);
  } catch (error) {
    // Whatever failed here, it is because of the other process if that one is gone.
    const end = await Promise.race([deno.ended(), sleep(500, undefined, { ref: false })]);
    if (end === undefined) throw error;
    throw new Error(`the Deno process ended early (${end})`, { cause: error });
  }
  const end = await deno.ended();
  if (end !== "exit code 0") throw new Error(`the Deno process ended with ${end}`);
}

function sendFiles(folder: string, files: string[]): void {
  console.log(style("bold", `Files, from Bun to Deno: ${folder}`));
  using outgoing = Producer.connectSync(paths.files);
  using incoming = Consumer.connectSync(paths.verdicts);
  using progress = new Progress();
  const verdicts = new Verdicts(incoming);

  const start = performance.now();
  let bytes = 0;
  const figures = () => {
    const seconds = (performance.now() - start) / 1000;
    return `${formatMegabytes(bytes)} in ${seconds.toFixed(2)} s, ${formatMegabytes(bytes / seconds)}/s`;
  };
  for (const path of files) {
    bytes += sendFile(outgoing, folder, path);
    verdicts.collect();
    progress.show(() => `${verdicts.same} of ${files.length} files checked, ${figures()}`);
  }
  outgoing.close();
  verdicts.collectRest();
  progress.clear();
  reportFiles(files.length, verdicts, figures());
}

function reportFiles(count: number, verdicts: Verdicts, figures: string): void {
  if (verdicts.different.length > 0) {
    throw new Error(
      `arrived with another SHA-256 than they left: ${verdicts.different.join(", ")}`,
    );
  }
  if (verdicts.same !== count) {
    throw new Error(`Deno checked ${verdicts.same} files of ${count}`);
  }
  console.log(`  ${count} files, ${figures}: read, hashed, sent and hashed again.`);
  console.log(`  ${style("green", `Deno found all ${count} SHA-256 to be right.`)}\n`);
}

async function playPingPong(deno: DenoProcess, size: Size): Promise<void> {
  console.log(style("bold", "Ping-pong, from Bun to Deno and back: 32 bytes each way, in turns"));
  if (!canSpin) {
    console.log("  Only one core is available: spinning needs two, so all sleep in the kernel.");
  }
  using ping = Producer.connectSync(paths.ping, { wait: gameWait });
  using pong = Consumer.connectSync(paths.pong, { wait: gameWait });
  const match = new Match(ping, [overChannel(ping, pong), deno.pipe, deno.socket]);

  // Without a second core, a round over the channel is as slow as the others.
  const channelRounds = canSpin ? size.channelRounds : size.otherRounds;
  const rounds = [channelRounds, size.otherRounds, size.otherRounds];
  const times = playTurns(match, { turns: size.turns, rounds, seconds: size.seconds });
  const calls = await countCalls(match, deno, size.countedRounds);
  reportTimes(times, calls.perRoundTrip);
  console.log(style("dim", `\n${clockNote()}\n${calls.note}`));
}

function playTurns(match: Match, turns: Turns): number[][] {
  using progress = new Progress();
  const blocks = (turns.turns + 1) * transportNames.length;
  const play = match.playTurns(turns);
  for (let block = 1; ; block++) {
    const { done, value } = play.next();
    if (done) return value;
    progress.show(() => `block ${block} of ${blocks} played`);
  }
}

/** In blocks of their own: being counted may slow a process down. */
async function countCalls(match: Match, deno: DenoProcess, rounds: number) {
  using progress = new Progress();
  const pids = [process.pid, deno.pid];
  const perRoundTrip: string[] = [];
  let note = "";
  try {
    for (const [index, transport] of transportNames.entries()) {
      progress.show(() => `counting the system calls of ${transport}`);
      const counted = await countSystemCalls(pids, () => match.playBlock(index, rounds));
      perRoundTrip.push((counted.calls / counted.result.length).toFixed(2));
      note = `  Syscalls: per round trip, both sides, counted by ${counted.tool} from start to stop.`;
    }
    return { perRoundTrip, note };
  } catch (error) {
    if (!(error instanceof NotCounted)) throw error;
    note = `  Syscalls: could not be counted here.\n${error.message.replace(/^/gm, "  ")}`;
    return { perRoundTrip: transportNames.map(() => "not counted"), note };
  }
}

function reportTimes(times: number[][], calls: string[]): void {
  const rows = times.map((values, index) => {
    const cells = percentiles(values, shares).map(formatTime);
    return [transportNames[index] ?? "", formatCount(values.length), ...cells, calls[index] ?? ""];
  });
  printTable([["", "played", "p50", "p90", "p99", "p99.9", "max", "syscalls"], ...rows]);
  console.log("");
  printBars(
    times.map((values, index) => {
      const [median = 0] = percentiles(values, shares);
      const label = `${formatTime(median)} (p50)`;
      return { name: transportNames[index] ?? "", value: median, label };
    }),
  );
}

function clockNote(): string {
  const { least, median } = measureClock();
  const cost = `${formatTime(median)} (at least ${formatTime(least)})`;
  return `  Clock: one reading takes ${cost}, while the ball is under way.`;
}
