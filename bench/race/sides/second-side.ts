import { pinThread } from "./clock.ts";
import { Control, connectToControl, errorText, Mailbox, type News } from "./control.ts";
import type { Block, Mechanism, SecondHalf } from "./mechanism.ts";
import { usageNow, usageSince } from "./usage.ts";

export interface SecondOptions {
  readonly mechanism: Mechanism;
  readonly prefix: string;
  /** A number; "-" for none. */
  readonly core: string;
  readonly memory?: SharedArrayBuffer | undefined;
}

/** Takes part in the blocks that the first side orders, until that is gone. */
export async function runSecondSide(options: SecondOptions): Promise<never> {
  const { mechanism, prefix, core, memory } = options;
  const orders = new Mailbox<Block>();
  const control = new Control(await connectToControl(prefix), (order) =>
    orders.put(order as Block),
  );
  void control.ended.then(() => process.exit());
  const tell = (news: News) => control.tell(news);
  let half: SecondHalf | undefined;
  const fail = async (error: unknown): Promise<never> => {
    await tell({ error: errorText(error) });
    half?.close?.();
    process.exit(1);
  };
  const isPinned = mechanism.isBlocking && core !== "-" && pinThread(Number(core));
  const hello = (address: unknown = null) => tell({ hello: address, isPinned });
  try {
    half = await mechanism.second({ prefix, memory, hello, fail });
    while (true) await takePart(mechanism, half, await orders.take(), tell);
  } catch (error) {
    return await fail(error);
  }
}

async function takePart(
  { isBlocking }: Mechanism,
  half: SecondHalf,
  block: Block,
  tell: (news: News) => Promise<void>,
): Promise<void> {
  const before = usageNow();
  if (isBlocking) {
    await tell({ isReady: true });
    half.run(block);
  } else {
    const end = half.run(block);
    await tell({ isReady: true });
    await end;
  }
  await tell({ done: usageSince(before) });
}
