// `node scripts/run.mjs <tool> [arguments]` runs a tool of node_modules, installing it first if need be.

import { runCommand } from "./command.mjs";
import { installTools } from "./install.mjs";

await installTools();
process.exitCode = await runCommand(process.argv.slice(2));
