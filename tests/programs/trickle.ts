/** Listens, and sends an honest handshake without its memory, one byte at a time. */
import { Deadline } from "../peer/deadline.ts";
import * as libc from "../peer/libc.ts";
import { acceptPeer, closeListener, openListener } from "../peer/rendezvous.ts";
import { encodeHandshake, honestHandshake } from "../peer/wire.ts";
import { print, programArguments } from "../support/child.ts";

const { path, everyMs } = programArguments<{ path: string; everyMs: number }>();
const listener = openListener(path);
print("listening");
const socket = acceptPeer(listener, new Deadline(10_000));
for (const byte of encodeHandshake(4, honestHandshake(4, 65536))) {
  // The connector is free to hang up, and is expected to.
  libc.unless([libc.errnos.EPIPE], () => libc.sendMessage(socket, Uint8Array.of(byte), []));
  libc.sleep(everyMs);
}
libc.close(socket);
closeListener(listener, path);
