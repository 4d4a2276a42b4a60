/** Steps between two native calls that a peer would otherwise have to come in between by chance. */
import { library } from "../../ffi/load.ts";
import type { symbols } from "../../ffi/table.ts";

type NativeCall = (...args: unknown[]) => unknown;

/** Runs `step` behind every call of `name`, with its answer, until disposed of. */
export function behindCall(
  name: keyof typeof symbols,
  step: (answer: unknown) => void,
): Disposable {
  const calls = library().calls as unknown as Record<string, NativeCall>;
  const call = calls[name] as NativeCall;
  calls[name] = (...args) => {
    const answer = call(...args);
    step(answer);
    return answer;
  };
  return {
    [Symbol.dispose]() {
      calls[name] = call;
    },
  };
}
