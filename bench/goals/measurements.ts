import { clients } from "./clients/clients.ts";
import { front } from "./front/front.ts";
import { first } from "./loops/first.ts";
import { idle } from "./loops/idle.ts";
import { timer } from "./loops/timer.ts";
import type { Measurement } from "./table.ts";

/** What is not made of blocks in turn with the bare line. */
export const measurements: readonly Measurement[] = [idle, first, timer, clients, front];
