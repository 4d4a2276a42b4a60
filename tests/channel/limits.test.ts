/** What happens when there is no more to be had, or nobody left to have it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FanIn, type Server, serve } from "../../src/index.ts";
import * as libc from "../peer/libc.ts";
import { connectTo } from "../peer/rendezvous.ts";
import { newRpcName, soon, until } from "../support/rpc-in-thread.ts";

test("a thread that can wait for no more says so, and can again when others are closed", async () => {
  const fanIns: FanIn[] = [];
  const receive = async () => {
    const fanIn = await FanIn.listen(newRpcName(), { wait: { spin: 0 } });
    fanIns.push(fanIn);
    // Looks for half of that time at most, and then waits.
    fanIn.receiveSync({ timeout: 2 });
  };
  const closeAll = () => {
    for (const fanIn of fanIns.splice(0)) fanIn.close();
  };
  try {
    let error: unknown;
    while (fanIns.length < 300) {
      error = await receive().catch((reason) => reason);
      if (!(error instanceof DOMException)) break;
    }
    assert.equal((error as { code: unknown }).code, "ERR_ZEROCROSS_TOO_MANY");
    assert.match(String(error), /End some workers, or close some FanIns/);
    closeAll();
    await assert.rejects(receive(), { name: "TimeoutError" });
  } finally {
    closeAll();
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
