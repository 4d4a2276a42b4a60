// `npm run bench`. See --help.

import { runGoals } from "./goals/goals.ts";
import { cleanUpAtExit } from "./line-process.ts";
import { UsageError } from "./usage-error.ts";

cleanUpAtExit();
try {
  await runGoals(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
