/** What happens when there is no more to be had, or nobody left to have it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FanIn, type Server, serve } from "../../src/index.ts";
import * as libc from "../peer/libc.ts";
import { connectTo } from "../peer/rendezvous.ts";
import { newRpcName, soon, until } from "../support/rpc-in-thread.ts";

test("any number of fan-ins that have waited leave others the means to wait", async () => {
  const fanIns: FanIn[] = [];
  try {
    // More than there are waiters.
    while (fanIns.length < 200) {
      const fanIn = await FanIn.listen(newRpcName(), { wait: { spin: 0 } });
      fanIns.push(fanIn);
      // Looks for half of that time at most, and then waits.
      assert.throws(() => fanIn.receiveSync({ timeout: 2 }), { name: "TimeoutError" });
    }
    // The first has to find another waiter now.
    assert.throws(() => fanIns[0]?.receiveSync({ timeout: 2 }), { name: "TimeoutError" });
  } finally {
    for (const fanIn of fanIns) fanIn.close();
  }
});

test("who is accepted in the turn in which a server stops is sent away", async () => {
  const path = newRpcName();
  let opened = 0;
  const server: Server = await serve({
    path,
    handler: ({ bytes }) => bytes,
    onOpen() {
      opened += 1;
      void server.stop();
    },
  });
  const sockets = [connectTo(path, soon()), connectTo(path, soon())];
  const handshakes = () => sockets.every((socket) => libc.waitReadable(socket, 0));
  await until(handshakes, "for the handshakes");
  // Both take the memory before the server looks again.
  for (const socket of sockets) {
    for (const fd of libc.receiveMessage(socket).fds) libc.close(fd);
    libc.close(socket);
  }
  await until(() => opened > 0, "for the server");
  await server.stop();
  assert.equal(opened, 1);
});
