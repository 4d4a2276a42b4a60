/** Views of shared memory that are kept, written, transferred; and the garbage collector. */

import type { CommandKinds } from "./command.ts";
import { collectGarbage } from "./garbage.ts";
import type { KeptView, Pair } from "./pair.ts";
import type { World } from "./world.ts";

function keptView(world: World, pick: number): { pair: Pair; view: KeptView } | undefined {
  const pair = world.pair(pick);
  const view = pair.views[pick % pair.views.length];
  return view === undefined ? undefined : { pair, view };
}

const movers: ((buffer: ArrayBuffer) => ArrayBuffer)[] = [
  (buffer) => structuredClone(buffer, { transfer: [buffer] }),
  (buffer) => buffer.transfer(),
  (buffer) => buffer.transfer(10),
  (buffer) => buffer.transfer(2 * buffer.byteLength),
  (buffer) => buffer.transferToFixedLength(),
  (buffer) => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(buffer, [buffer]);
    port1.close();
    port2.close();
    return new ArrayBuffer(0);
  },
];

/** Words of the control block: magic, state, head, lane, abilities, tail, parked, sleeping. */
const control = [0, 4, 32, 33, 34, 36, 48, 64, 65, 66, 67, 96];

export const memoryCommands: CommandKinds = {
  readViews: {
    weight: 10,
    args: [],
    run(world, pick) {
      world.pair(pick).checkViews();
    },
  },
  writeView: {
    weight: 3,
    args: [],
    run(world, pick) {
      const found = keptView(world, pick);
      if (found === undefined) return;
      const { pair, view } = found;
      if (!pair.isClosed(view.side)) pair.model.tainted = true;
      pair.disown(view.side);
      if (view.bytes.length > 0) view.bytes.fill(pick);
    },
  },
  writeWord: {
    weight: 1,
    args: [],
    run(world, pick) {
      const found = keptView(world, pick);
      if (found === undefined) return;
      const { pair, view } = found;
      const { buffer } = view.bytes;
      if (buffer.byteLength < 768) return;
      if (!pair.isClosed(view.side)) pair.model.tainted = true;
      pair.disown(view.side);
      const words = new Uint32Array(buffer, 0, 192);
      words[control[pick % control.length] as number] = [0, 1, 2, 64, 128, 2 ** 31, 2 ** 32 - 1][
        pick % 7
      ] as number;
    },
  },
  transferView: {
    weight: 1,
    args: [],
    run(world, pick) {
      const found = keptView(world, pick);
      const buffer = found?.view.bytes.buffer;
      if (found === undefined || !(buffer instanceof ArrayBuffer) || buffer.detached) return;
      const { pair, view } = found;
      pair.detached.add(view.side);
      const moved = movers[pick % movers.length]?.(buffer) as ArrayBuffer;
      pair.keep(view.side, new Uint8Array(moved));
      pair.disown(view.side);
    },
  },
  dropViews: {
    weight: 2,
    args: [],
    run(world, pick) {
      world.pair(pick).views.length = 0;
    },
  },
  collectGarbage: { weight: 1, args: [], run: collectGarbage },
  turn: {
    weight: 30,
    args: [],
    async run(world) {
      await world.turn();
    },
  },
};
