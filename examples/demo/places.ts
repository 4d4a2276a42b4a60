// What both processes have to agree on before they meet.

import { availableParallelism } from "node:os";
import type { WaitPolicy } from "zerocross";

/** Abstract sockets: there is no file to clean up, whenever and however the demo ends. */
export function channelPaths(name: string) {
  return {
    files: `@${name}-files`,
    verdicts: `@${name}-verdicts`,
    ping: `@${name}-ping`,
    pong: `@${name}-pong`,
  };
}

/** Whether both players can have a core of their own. */
export const canSpin = availableParallelism() > 1;

/**
 * While they play, the two have nothing else to do and never sleep. On a single core, spinning would
 * only keep the other one from running.
 */
export const gameWait: WaitPolicy = { spin: canSpin ? Infinity : 0 };
