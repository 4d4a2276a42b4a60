import { createInterface } from "node:readline";

/** Answers every line of the standard input with what `answer` makes of it, as JSON; ends with the input. */
export async function answerLines(answer: (line: string) => unknown): Promise<never> {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(line)));
  }
  process.exit();
}
