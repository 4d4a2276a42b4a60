/** `bun proofs/soak/main.ts`: mixed load for a long time, every message checked. See --help. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describeMachine } from "../../bench/machine.ts";
import { UsageError } from "../../bench/usage-error.ts";
import { drawChart, thinned } from "./chart.ts";
import { help, type Options, readOptions } from "./options.ts";
import { progressLine, report } from "./report.ts";
import { Soak } from "./soak.ts";
import { judge } from "./verdict.ts";

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) console.log(help);
  else process.exitCode = await main(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`soak: ${error.message}\n\n${help}`);
  process.exitCode = 2;
}

async function main({ settings, json, svg }: Options): Promise<number> {
  const machine = describeMachine();
  const folder = mkdtempSync(join(tmpdir(), "zerocross-soak-"));
  const soak = new Soak(settings, folder);
  process.on("exit", () => {
    soak.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  let signals = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (++signals > 1) process.exit(130);
      console.error("\nending; once more to end without a report");
      soak.interrupt();
    });
  }
  console.log(
    `${settings.seconds} s of mixed load; to take the same random numbers: --seed ${settings.seed}`,
  );
  const observed = await soak.run((row) => console.log(progressLine(row)));
  const verdict = judge(observed, settings);
  console.log(report(observed, verdict));
  if (json !== undefined) {
    const kept = { machine, settings, verdict, ...observed, rows: thinned(observed.rows) };
    writeFileSync(json, `${JSON.stringify(kept)}\n`);
  }
  if (svg !== undefined && observed.rows.length > 1) writeFileSync(svg, drawChart(observed));
  if (observed.interrupted) return 130;
  return verdict.faults.length > 0 ? 1 : 0;
}
