// `node scripts/zig-build.mjs [steps]` runs steps of build.zig; without one it builds the native
// libraries. Zig's own cache decides what is stale, so there is no second opinion about it here.

import { runCommand, zigBuild } from "./command.mjs";
import { installTools } from "./install.mjs";

await installTools();
process.exitCode = await runCommand(zigBuild(...process.argv.slice(2)));
