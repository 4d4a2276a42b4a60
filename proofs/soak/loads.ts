/** The loads of the soak, and the processes of each. */
import type { Runtime } from "../../tests/support/program.ts";
import type { StopWord } from "./member.ts";

export interface Place {
  readonly load: string;
  readonly role: string;
  /** In the folder programs. */
  readonly program: string;
  readonly runtime: Runtime;
  readonly stopWord: StopWord;
}

export interface Load {
  readonly name: string;
  /** What the load is about, for the report. */
  readonly about: string;
  readonly places: readonly Place[];
  /** Whether all that was sent has to have been received when the soak ends. */
  readonly delivers: boolean;
}

function channel(name: string, program: string, from: Runtime, about: string): Load {
  const to = from === "bun" ? "deno" : "bun";
  const common = { load: name, program, stopWord: "stop" } as const;
  const places = [
    { ...common, role: "consumer", runtime: to },
    { ...common, role: "producer", runtime: from },
  ] as const;
  return { name, about, places, delivers: true };
}

function pair(
  name: string,
  first: [string, Runtime],
  second: [string, Runtime],
  about: string,
): Load {
  const places = [first, second].map(([role, runtime]) => {
    return { load: name, role, program: name, runtime, stopWord: "stop" } as const;
  });
  return { name, about, places, delivers: false };
}

function server(runtime: Runtime): Load {
  const name = `serve-${runtime}`;
  const client = runtime === "bun" ? "deno" : "bun";
  const about = "serve, with a client that stays and all the visitors";
  const places: Place[] = [
    { load: name, role: "server", program: "server", runtime, stopWord: "stop-hosts" },
    { load: name, role: "client", program: "client", runtime: client, stopWord: "stop" },
  ];
  return { name, about, places, delivers: false };
}

const visitor = { load: "visitors", program: "visitor", stopWord: "stop" } as const;

/** A visitor that is killed. */
export function mortal(runtime: Runtime): Place {
  return { ...visitor, role: "mortal", runtime };
}

export const loads: readonly Load[] = [
  channel("stream-to-deno", "stream", "bun", "small messages in batches"),
  channel("stream-to-bun", "stream", "deno", "small messages in batches"),
  channel("sync", "sync", "deno", "a ring of 4 KiB, each wait in the kernel"),
  channel("async", "async", "bun", "send and for await"),
  channel("large", "large", "deno", "up to 512 KiB, in place"),
  pair("reopen", ["consumer", "deno"], ["producer", "bun"], "closed and opened again"),
  pair("ping", ["pong", "deno"], ["ping", "bun"], "round trips over two channels"),
  pair("rpc", ["responder", "bun"], ["caller", "deno"], "callSync and serveSync"),
  server("bun"),
  server("deno"),
  {
    name: "fan-in",
    about: "producers that come and go",
    places: [
      {
        load: "fan-in",
        role: "consumer",
        program: "fan-in",
        runtime: "bun",
        stopWord: "stop-hosts",
      },
    ],
    delivers: false,
  },
  {
    name: "visitors",
    about: "clients and producers that come and go",
    places: [
      { ...visitor, role: "steady", runtime: "bun" },
      { ...visitor, role: "steady", runtime: "deno" },
    ],
    delivers: false,
  },
];
