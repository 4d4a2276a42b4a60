// Shows the frames of a camera that runs in another process at a fixed rate. After a second the viewer
// stalls: the ring keeps what it has room for, the camera drops the rest, and then the viewer catches up.
//
//   npm run bun -- examples/frames/main.ts --seconds 4 --stall 1000

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Consumer } from "zerocross";
import { framesPerSecond } from "./frame.ts";
import { Viewer } from "./viewer.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "4" },
    stall: { type: "string", default: "1000" },
  },
});
const path = `@frames-${process.pid}`;
const cameraProgram = fileURLToPath(new URL("camera.ts", import.meta.url));

/** Room for some 30 frames, half a second: how long the viewer may be away before one is dropped. */
const capacity = 2 * 1024 * 1024;

const interruption = new AbortController();
process.once("SIGINT", () => interruption.abort());
const { signal } = interruption;

const viewer = new Viewer();
const camera = spawn(process.execPath, [cameraProgram, path, values.seconds], {
  stdio: ["ignore", "inherit", "inherit"],
});
const cameraEnded = once(camera, "exit");
try {
  using consumer = await Consumer.listen(path, { capacity, timeout: 5000, signal });
  console.log(`Process ${camera.pid} takes ${framesPerSecond} frames a second.`);
  await showAll(consumer);
} catch (error) {
  if (!signal.aborted) throw error;
  console.log("Interrupted.");
} finally {
  camera.kill();
  await cameraEnded;
}
report();

async function showAll(consumer: Consumer): Promise<void> {
  let hasStalled = false;
  while (true) {
    if (!hasStalled && viewer.shown >= framesPerSecond) {
      hasStalled = true;
      console.log(`After ${viewer.shown} frames the viewer stalls for ${values.stall} ms.`);
      await sleep(Number(values.stall), undefined, { signal });
    }
    using batch = await consumer.drain(undefined, { signal });
    if (batch === null) return;
    viewer.show(batch);
  }
}

function report(): void {
  const { shown, camera, medianDelay, greatestDelay } = viewer;
  const counts = camera && `${camera.taken} frames taken, ${camera.dropped} dropped, `;
  console.log(`${counts ?? ""}${shown} shown.`);
  console.log(
    `Delay: ${medianDelay.toFixed(1)} ms (median), ${greatestDelay.toFixed(0)} ms (most).`,
  );
}
