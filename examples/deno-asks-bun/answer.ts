// A Bun process with a database: runs the SQL that it is asked, and answers with the rows as JSON.

import { Database } from "bun:sqlite";
import { once } from "node:events";
import process from "node:process";
import { serve } from "zerocross";

const [path = `@planets-${process.pid}`] = process.argv.slice(2);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);

using database = new Database(":memory:");
database.run(`
  CREATE TABLE planets (name TEXT, moons INTEGER);
  INSERT INTO planets VALUES ('Mercury', 0), ('Venus', 0), ('Earth', 1), ('Mars', 2);
  PRAGMA query_only = ON;
`);

await using server = await serve({
  path,
  // What this throws, here the errors of SQLite, is an RpcError for the process that asked.
  handler: ({ bytes }) => {
    using query = database.prepare(decoder.decode(bytes));
    return encoder.encode(JSON.stringify(query.all()));
  },
  // Without it they would be printed here too.
  onError: () => {},
  onOpen: ({ pid }) => console.log(`Bun: process ${pid} has connected.`),
  onClose: ({ pid }) => console.log(`Bun: process ${pid} has gone.`),
});
console.log(`Bun: process ${process.pid} answers at ${server.path}`);
await stopped;
