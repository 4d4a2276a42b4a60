// `paced.ts <path>`: sends a million messages a second, for as many milliseconds as it is told.
// Between two groups it sleeps, so that it leaves the core to others for most of the time.

import { Producer } from "zerocross";
import { answerLines } from "../lines.ts";

const [path = ""] = process.argv.slice(2);
const perMs = 1000;
const pauseMs = 0.1;
const words = new Uint32Array(8);
const bytes = new Uint8Array(words.buffer);
const never = new Int32Array(new SharedArrayBuffer(4));

const producer = await Producer.connect(path, { timeout: 20_000 });
let index = 0;

await answerLines((line) => {
  const ms = Number(line);
  const start = performance.now();
  let sent = 0;
  let refused = 0;
  while (true) {
    const elapsed = performance.now() - start;
    const due = Math.floor(Math.min(elapsed, ms) * perMs);
    for (; sent < due; sent++, index++) {
      words[0] = index;
      words[7] = index;
      if (producer.trySend(bytes)) continue;
      // It will be sent after the pause: a consumer that keeps up never lets it come to that.
      refused += 1;
      break;
    }
    if (elapsed >= ms) return { sent, refused };
    Atomics.wait(never, 0, 0, pauseMs);
  }
});
