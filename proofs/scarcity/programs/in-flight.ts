/** As a user without privileges, listens while more descriptors are under way than that user may have. */
import process from "node:process";
import { Consumer } from "../../../src/index.ts";
import { Deadline } from "../../../tests/peer/deadline.ts";
import * as libc from "../../../tests/peer/libc.ts";
import {
  acceptPeer,
  closeListener,
  connectTo,
  openListener,
} from "../../../tests/peer/rendezvous.ts";
import { print, programArguments } from "../../../tests/support/child.ts";
import {
  addedDescriptors,
  channelMappings,
  openDescriptors,
} from "../../../tests/support/memory.ts";
import { limitForFree, resource, withLimit } from "../kernel.ts";

export interface InFlightArguments {
  /** Where a partner connects, over and over. */
  readonly path: string;
  readonly user: number;
}

export interface InFlightReport {
  readonly error: { readonly name: string; readonly message: string } | undefined;
  readonly added: string[];
  readonly mappings: string[];
}

const { path, user } = programArguments<InFlightArguments>();
process.setgid?.(user);
process.setuid?.(user);
const options = { timeout: 5000, authorize: () => true };

const deadline = new Deadline(5000);
const name = `@zerocross-in-flight-${process.pid}`;
const listener = openListener(name);
const sender = connectTo(name, deadline);
const receiver = acceptPeer(listener, deadline);
closeListener(listener, name);
libc.sendMessage(sender, Uint8Array.of(0), Array<number>(200).fill(sender));

const before = openDescriptors();
let error: Error | undefined;
try {
  withLimit(resource.descriptors, limitForFree(16), () =>
    Consumer.listenSync(path, options),
  ).close();
} catch (reason) {
  error = reason as Error;
}
print({
  error: error && { name: error.name, message: error.message },
  added: addedDescriptors(before),
  mappings: channelMappings(),
} satisfies InFlightReport);

libc.close(sender);
libc.close(receiver);
Consumer.listenSync(path, options).close();
print("ok");
