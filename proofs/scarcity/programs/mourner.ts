/** Waits for a message that never comes, and says with what that ended, and when. */
import { Consumer } from "../../../src/index.ts";
import { print, programArguments } from "../../../tests/support/child.ts";

const { path, how } = programArguments<{ path: string; how: "receive" | "receiveSync" }>();
using consumer = Consumer.connectSync(path);
print("waiting");
try {
  const message = await consumer[how]({ timeout: 10_000 });
  print({ name: message === null ? "closed" : "a message", at: Date.now() });
} catch (error) {
  print({ name: (error as Error).name, at: Date.now() });
}
