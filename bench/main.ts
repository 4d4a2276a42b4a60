// `npm run bench`. See --help.

import { cleanUpAtExit } from "./line-process.ts";
import { compare } from "./race/compare.ts";
import { race } from "./race/main.ts";
import { UsageError } from "./usage-error.ts";

const [command = "", ...rest] = process.argv.slice(2);

cleanUpAtExit();
try {
  if (command === "compare") compare(rest);
  else await race(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
