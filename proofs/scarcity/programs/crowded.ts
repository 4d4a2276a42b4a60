/** Takes in whoever comes, and is told through those who are there how many descriptors are free. */
import { FanIn, serve } from "../../../src/index.ts";
import { print, programArguments } from "../../../tests/support/child.ts";
import { channelMappings, openDescriptors } from "../../../tests/support/memory.ts";
import { limitForFree, resource, setLimit } from "../kernel.ts";

export interface CrowdedArguments {
  readonly path: string;
  readonly kind: "serve" | "FanIn";
}

/** What it is told. */
export interface Order {
  /** How many descriptors are free from now on; null: enough. */
  readonly free?: number | null;
}

/** What it answers, or prints where it cannot answer. */
export interface State {
  readonly connections: number;
  /** Memories and pidfds; a runtime opens sockets of its own whenever it likes. */
  readonly descriptors: number;
  readonly mappings: number;
  /** What went to `onError`, or was printed where there is none, since it was asked last. */
  readonly errors: string[];
}

const { path, kind } = programArguments<CrowdedArguments>();
const errors: string[] = [];
const enough = 1024n;

function obey(bytes: Uint8Array, connections: number): State {
  const { free } = JSON.parse(new TextDecoder().decode(bytes)) as Order;
  // Counting takes a descriptor.
  const during = setLimit(resource.descriptors, enough);
  const state: State = {
    connections,
    descriptors: openDescriptors().filter((target) => /memfd|pidfd/.test(target)).length,
    mappings: channelMappings().length,
    errors: errors.splice(0),
  };
  const next = typeof free === "number" ? limitForFree(free) : free === null ? enough : during;
  setLimit(resource.descriptors, next);
  return state;
}

if (kind === "serve") {
  const server = await serve({
    path,
    capacity: 4096,
    handler: ({ bytes }) =>
      new TextEncoder().encode(JSON.stringify(obey(bytes, server.connections))),
    onError: ({ message }) => errors.push(message),
  });
  print("ready");
} else {
  console.error = (message: string) => errors.push(message);
  const fanIn = await FanIn.listen(path, { capacity: 4096 });
  print("ready");
  for await (const { bytes } of fanIn) print(obey(bytes, fanIn.connections));
}
