/**
 * Sleeps on a futex word as the wire tells a side to, round after round, and says how long each
 * sleep was. Nobody else sets the word back, so it is a matter of being woken or of sleeping on.
 */
import type { Arena } from "../peer/arena.ts";
import { Deadline } from "../peer/deadline.ts";
import { connectOnce } from "../peer/rendezvous.ts";
import { offsets } from "../peer/wire.ts";
import { print, programArguments } from "../support/child.ts";

const { path, side, rounds } = programArguments<{
  path: string;
  side: "producer" | "consumer";
  rounds: number;
}>();
const word = side === "producer" ? offsets.producerParked : offsets.consumerSleeping;
const watched = side === "producer" ? offsets.tail : offsets.head;
const sleepMs = 2000;

const arena = connectOnce(path, new Deadline(10_000)).arenas[0] as Arena;
for (let round = 0; round < rounds; round++) {
  const before = arena.load64(watched);
  arena.store32(word, 1);
  const begun = performance.now();
  if (arena.load64(watched) === before) arena.futexWait(word, 1, sleepMs);
  arena.store32(word, 0);
  print(performance.now() - begun);
  // Until the next round something more has to come, not the rest of this.
  while (arena.load64(watched) === before && arena.state === 2);
}
