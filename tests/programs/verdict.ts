/** Waits until the other side sleeps, and then sets the state without waking it. */
import type { Arena } from "../peer/arena.ts";
import { Deadline } from "../peer/deadline.ts";
import { sleep } from "../peer/libc.ts";
import { connectOnce } from "../peer/rendezvous.ts";
import { offsets } from "../peer/wire.ts";
import { print, programArguments } from "../support/child.ts";

const { path, state, sleeper } = programArguments<{
  path: string;
  state: number;
  sleeper: "consumerSleeping" | "producerParked";
}>();
const deadline = new Deadline(10_000);
const arena = connectOnce(path, deadline).arenas[0] as Arena;
while (arena.load32(offsets[sleeper]) !== 1) {
  deadline.check("for the other side to sleep");
  sleep(0);
}
arena.state = state;
print("told");
