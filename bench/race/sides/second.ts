// The second process of a contestant: `second.ts <name> <core> <path prefix>`, started by first.ts.

import { mechanisms } from "./mechanisms.ts";
import { runSecondSide } from "./second-side.ts";

// A terminal sends these to both processes. The first ends this one.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});

const [name = "", core = "-", prefix = ""] = process.argv.slice(2);
const mechanism = await mechanisms[name]?.();
if (mechanism === undefined) throw new Error(`unknown mechanism ${name}`);
await runSecondSide({ mechanism, prefix, core });
