/** Waits for a word, and then listens with as much memory as it was told. */
import { Consumer } from "../../../src/index.ts";
import { awaitWord, print, programArguments } from "../../../tests/support/child.ts";

export interface LargeArguments {
  readonly path: string;
  /** Bytes. */
  readonly capacity: number;
}

const { path, capacity } = programArguments<LargeArguments>();
print("ready");
awaitWord();
try {
  using consumer = Consumer.listenSync(path, { capacity, timeout: 10_000 });
  print({ capacity: consumer.capacity });
} catch (error) {
  const { name, message } = error as Error;
  print({ name, message });
}
