// Ends well where ZeroMQ runs: two sockets of this process exchange a message.

import { Pair } from "zeromq";

setTimeout(() => process.exit(1), 3000);
const address = "inproc://trial";
const [one, other] = [new Pair(), new Pair()];
await one.bind(address);
other.connect(address);
await other.send("hello");
const [word] = await one.receive();
process.exit(word?.toString() === "hello" ? 0 : 1);
