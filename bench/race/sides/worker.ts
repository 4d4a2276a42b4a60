// The second side of a contestant whose sides are threads of one process, started by first-side.ts.

import type { WorkerScope } from "./mechanism.ts";
import { mechanisms } from "./mechanisms.ts";
import { runSecondSide } from "./second-side.ts";

/** The first message that it gets. */
export interface WorkerOrder {
  readonly name: string;
  readonly core: string;
  readonly prefix: string;
  readonly memory: SharedArrayBuffer | undefined;
}

const scope = globalThis as unknown as WorkerScope;
scope.onmessage = async ({ data }) => {
  scope.onmessage = null;
  const { name, ...order } = data as WorkerOrder;
  const mechanism = await mechanisms[name]?.();
  if (mechanism === undefined) throw new Error(`unknown mechanism ${name}`);
  await runSecondSide({ mechanism, ...order });
};
