// The answering process of a mechanism: `server.ts <mechanism> <path>`. Says "ready", and ends with
// the process that started it.

import { answering } from "./answering.ts";

const [mechanism = "", path = ""] = process.argv.slice(2);
process.once("disconnect", () => process.exit());
process.stdin.once("close", () => process.exit());
process.stdin.once("end", () => process.exit());
process.stdin.resume();
await answering[mechanism]?.(path);
console.log("ready");
