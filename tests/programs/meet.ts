/** Listens or connects, and says who came or what went wrong; then a consumer says what it got. */
import process from "node:process";
import { Consumer, type Peer, Producer } from "../../src/index.ts";
import { awaitWord, print, programArguments } from "../support/child.ts";

export interface MeetArguments {
  readonly path: string;
  readonly how: "listen" | "connect";
  readonly end: "producer" | "consumer";
  readonly options?: { readonly mode?: number; readonly timeout?: number };
  /** Becomes this user and group first. Only root can. */
  readonly user?: number;
  /** Takes a peer of any user. */
  readonly trusts?: boolean;
  /** Says that it is ready and waits for a word before it begins. */
  readonly waits?: boolean;
}

/** What it prints: one of these three, and as a consumer also the text of the first message. */
export interface Meeting {
  readonly ready?: true;
  readonly peer?: Peer;
  readonly error?: {
    readonly name: string;
    readonly message: string;
    readonly syscall?: string;
    readonly errno?: string;
  };
  readonly text?: string;
}

const { path, how, end, user, trusts, waits, ...given } = programArguments<MeetArguments>();
const options = { ...given.options, ...(trusts ? { authorize: () => true } : {}) };
if (user !== undefined) {
  process.setgid?.(user);
  process.setuid?.(user);
}
if (waits) {
  print({ ready: true } satisfies Meeting);
  awaitWord();
}
try {
  meet();
} catch (error) {
  const { name, message, syscall, errno } = error as NonNullable<Meeting["error"]>;
  print({ error: { name, message, syscall, errno } });
}

function meet(): void {
  if (end === "producer") {
    using producer =
      how === "listen" ? Producer.listenSync(path, options) : Producer.connectSync(path, options);
    print({ peer: producer.peer } satisfies Meeting);
    producer.sendSync(new TextEncoder().encode("hello"));
  } else {
    using consumer =
      how === "listen" ? Consumer.listenSync(path, options) : Consumer.connectSync(path, options);
    print({ peer: consumer.peer } satisfies Meeting);
    const message = consumer.receiveSync({ timeout: 10_000 });
    print({ text: new TextDecoder().decode(message?.bytes) } satisfies Meeting);
  }
}
