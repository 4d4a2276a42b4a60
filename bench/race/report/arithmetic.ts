import { ranked, roundTripOf, runnerName, runners } from "../reading.ts";
import type { Race } from "../result.ts";
import { type Column, tabulate, wrap } from "./columns.ts";
import { duration, perOne, spreadOf } from "./format.ts";

interface Account {
  readonly name: string;
  readonly calls: number;
  /** What so many empty system calls would take. */
  readonly floorNs: number;
  readonly p50: number;
}

/** The price of an empty system call times the crossings, beside what was measured. */
export function arithmetic(race: Race, width: number): string[] {
  const { emptyCallNs, clock } = race;
  if (emptyCallNs === undefined) return [];
  const sections = runners.flatMap((runner) => {
    const accounts = accountsOf(race, runner, emptyCallNs.median);
    if (accounts.length === 0) return [];
    return ["", ...tabulate(accounts, columnsOf(runnerName[runner]), width)];
  });
  if (sections.length === 0) return [];
  const says =
    `An empty system call takes ${duration(emptyCallNs.median)} (${spreadOf(emptyCallNs)}) here, ` +
    `without the ${duration(clock.readingNs)} of reading the clock. Times the crossings of a round trip ` +
    "that is the least that the kernel takes for them. What remains is work in the kernel and outside it: " +
    "copies, the wake-up of a side that sleeps, the scheduler, the runtime.";
  return ["", "The arithmetic", ...wrap(says, width), ...sections];
}

function accountsOf(race: Race, runner: (typeof runners)[number], callNs: number): Account[] {
  return ranked(race, runner).flatMap((row) => {
    const calls = row.callsPerRoundTrip;
    const roundTrip = roundTripOf(row);
    if (calls === undefined || "reason" in calls || roundTrip === undefined) return [];
    const { perOne } = calls;
    return [{ name: row.name, calls: perOne, floorNs: perOne * callNs, p50: roundTrip.p50 }];
  });
}

function columnsOf(runner: string): Column<Account>[] {
  const right = (heading: string, worth: number, cell: (account: Account) => string) =>
    ({ heading, align: "right", worth, cell }) as const;
  return [
    { heading: runner, align: "left", worth: 9, cell: ({ name }) => name },
    right("crossings", 8, ({ calls }) => perOne(calls)),
    right("their price", 7, ({ floorNs }) => duration(floorNs)),
    right("measured p50", 6, ({ p50 }) => duration(p50)),
    right("what remains", 5, ({ p50, floorNs }) => duration(Math.max(0, p50 - floorNs))),
    right(
      "price's share",
      4,
      ({ p50, floorNs }) => `${Math.min(100, (floorNs / p50) * 100).toFixed(0)} %`,
    ),
  ];
}
