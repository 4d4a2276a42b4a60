import { clients } from "./clients.ts";
import { front } from "./front.ts";
import { heap } from "./heap.ts";
import { idle } from "./idle.ts";
import type { Scenario } from "./scenario.ts";
import { timer } from "./timer.ts";

export const scenarios: readonly Scenario[] = [idle, timer, clients, front, heap];
