/** Makes the page of a race: of the JSON file that is named first, into the one that is named second. */
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { renderPage } from "../../bench/race/page/html.ts";
import type { Race } from "../../bench/race/result.ts";

const [input = "", output = ""] = process.argv.slice(2);
writeFileSync(output, await renderPage(JSON.parse(readFileSync(input, "utf8")) as Race));
