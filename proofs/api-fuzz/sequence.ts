/** A sequence of commands as data, and how it is played. */
import fc from "fast-check";
import type { Command, CommandKinds } from "./command.ts";
import { consumerCommands } from "./consumer-commands.ts";
import { fanInCommands } from "./fan-in-commands.ts";
import { memoryCommands } from "./memory-commands.ts";
import { openingCommands, openPair } from "./opening-commands.ts";
import { producerCommands } from "./producer-commands.ts";
import { rpcCommands } from "./rpc-commands.ts";
import { type Tally, World } from "./world.ts";

export interface Sequence {
  /** How the first channel is opened. */
  readonly opening: number;
  readonly commands: Command[];
}

const kinds: CommandKinds = {
  ...producerCommands,
  ...consumerCommands,
  ...memoryCommands,
  ...openingCommands,
  ...rpcCommands,
  ...fanInCommands,
};

const command = fc.oneof(
  ...Object.entries(kinds).map(([name, { weight, args }]) => ({
    weight,
    arbitrary: fc.record<Command>({
      name: fc.constant(name),
      pick: fc.nat(1000),
      args: fc.tuple(...args),
    }),
  })),
);

export const sequences: fc.Arbitrary<Sequence> = fc.record({
  opening: fc.nat(11),
  commands: fc.array(command, { maxLength: 200, size: "max" }),
});

/** Throws at the first command that answers what it must not. */
export async function play({ opening, commands }: Sequence, tally: Tally): Promise<void> {
  const world = new World(tally);
  await openPair(world, opening);
  for (const { name, pick, args } of commands) {
    const running = kinds[name]?.run(world, pick, args);
    if (running === undefined) continue;
    await running;
    world.settle();
  }
  await world.finish();
}
